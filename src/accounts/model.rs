//! What an account is, and the rules its parts obey. Pure: nothing here knows of a database or of HTTP.
//!
//! Each part is a type of its own that only `parse` makes, so a value that exists is a valid one.
//! The one rule: what tells who somebody is never appears through `Debug`.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A registered account, without its password hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// UUIDv7, fixed for ever.
    pub id: Uuid,
    /// What it logs in with.
    pub email: EmailAddress,
    /// What it is called on screens.
    pub display_name: DisplayName,
    /// What it may do.
    pub role: Role,
    /// When it registered, to the millisecond.
    pub created_at: DateTime<Utc>,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Orders, and sees its own orders.
    Customer,
    /// Runs the shop: catalog, fulfilment, webhooks.
    Operator,
}

impl Role {
    /// The word used in tokens, in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Operator => "operator",
        }
    }

    /// The role of that name, if there is one. Names are compared exactly.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Operator]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a part of an account was refused. The sentence is meant for whoever typed it, and never repeats the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPart {
    /// Not an address, or longer than 254 characters.
    #[error("must be an e-mail address of at most 254 characters, such as name@example.com")]
    Email,
    /// Empty, too long, or with a control character.
    #[error("must be 1 to 100 characters without control characters")]
    DisplayName,
    /// Too short or too long.
    #[error("must be 8 to 128 characters")]
    Password,
}

/// An e-mail address in lower case: one address is one account in whatever letter case it is typed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Longest address, by the path limit of RFC 5321 section 4.5.3.1.3.
    pub const MAX_LENGTH: usize = 254;
    /// Longest part before the `@`, RFC 5321 section 4.5.3.1.1.
    const MAX_LOCAL_LENGTH: usize = 64;

    /// Reads an address by the rule of the HTML Standard for `<input type=email>`, without dots that no mail server takes
    /// (first, last, or two in a row), and puts it in lower case. ASCII alone: letters beyond it have no single lower case, so that two accounts could look alike, and a domain beyond it
    /// has its `xn--` form. Blanks around it are not cut off: whoever typed them should see it.
    pub fn parse(text: &str) -> Result<Self, InvalidPart> {
        let (local, domain) = text.split_once('@').ok_or(InvalidPart::Email)?;
        let is_valid = text.len() <= Self::MAX_LENGTH
            && (1..=Self::MAX_LOCAL_LENGTH).contains(&local.len())
            && local.split('.').all(is_atom)
            && domain.split('.').all(is_domain_label);
        if is_valid {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidPart::Email)
        }
    }

    /// The address, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One part before the `@` between dots, RFC 5322 section 3.2.3.
fn is_atom(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    !text.is_empty() && text.bytes().all(known)
}

/// One part of a host name between dots, RFC 1034 section 3.5.
fn is_domain_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

/// What an account is called on screens: any text of 1 to 100 characters but control characters, kept as typed.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Longest name, in characters.
    pub const MAX_LENGTH: usize = 100;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidPart> {
        let length = text.chars().count();
        let visible = text.chars().any(|character| !character.is_whitespace());
        let plain = !text.chars().any(char::is_control);
        if (1..=Self::MAX_LENGTH).contains(&length) && visible && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPart::DisplayName)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisplayName(..)")
    }
}

/// A password that somebody chose: 8 to 128 characters of any kind, and no rule about their mixture
/// (OWASP ASVS 6.2.1, 6.2.5, 6.2.9). The upper bound keeps the cost of hashing bounded.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Fewest characters.
    pub const MIN_LENGTH: usize = 8;
    /// Most characters.
    pub const MAX_LENGTH: usize = 128;

    /// Takes a password, as typed.
    pub fn parse(password: SecretString) -> Result<Self, InvalidPart> {
        Self::check(password.expose_secret())?;
        Ok(Self(password))
    }

    /// Whether the text would do, without taking it.
    pub fn check(text: &str) -> Result<(), InvalidPart> {
        let length = text.chars().count();
        if (Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&length) {
            Ok(())
        } else {
            Err(InvalidPart::Password)
        }
    }

    /// The text, for whoever hashes it.
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read_and_put_in_lower_case() {
        for (typed, kept) in [
            ("a@example.com", "a@example.com"),
            ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com"),
            ("load-1@example.com", "load-1@example.com"),
            (
                "a+b_c'd@mail.xn--bcher-kva.example",
                "a+b_c'd@mail.xn--bcher-kva.example",
            ),
            ("root@localhost", "root@localhost"),
            ("!#$%&*/=?^`{|}~@0.example", "!#$%&*/=?^`{|}~@0.example"),
        ] {
            assert_eq!(EmailAddress::parse(typed).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.example", "b".repeat(64));
        let long = format!("a@{}example.com", "bbbbbbbbb.".repeat(25));
        assert!(long.len() > EmailAddress::MAX_LENGTH);
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@example.com",
            "a@b@example.com",
            " a@example.com",
            "a@example.com ",
            "a b@example.com",
            "a@exam ple.com",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@example-.com",
            "a@example..com",
            "a@.com",
            "a@example.com.",
            "a@exa_mple.com",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a\0@example.com",
            "a@example.com\n",
            "ä@example.com",
            "a@bücher.example",
            "\u{212a}elvin@example.com",
            &long_local,
            &long_label,
            &long,
        ] {
            assert_eq!(
                EmailAddress::parse(text),
                Err(InvalidPart::Email),
                "{text:?}"
            );
        }
    }

    #[test]
    fn names_keep_any_script_but_no_control_characters() {
        for name in ["A", "Ada Lovelace", "Ægir Ⅷ", "名前", &"ü".repeat(100)] {
            assert_eq!(DisplayName::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "",
            "  ",
            "\u{2003}",
            "a\nb",
            "a\0",
            "\u{85}",
            "\u{7f}",
            &"ü".repeat(101),
        ] {
            assert_eq!(
                DisplayName::parse(name),
                Err(InvalidPart::DisplayName),
                "{name:?}"
            );
        }
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        for (password, is_valid) in [
            ("1234567".to_owned(), false),
            ("12345678".to_owned(), true),
            ("        ".to_owned(), true),
            ("ü".repeat(128), true),
            ("u".repeat(129), false),
        ] {
            assert_eq!(
                NewPassword::parse(password.clone().into()).is_ok(),
                is_valid,
                "{password}"
            );
        }
    }

    #[test]
    fn roles_have_one_name_each() {
        for role in [Role::Customer, Role::Operator] {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Operator"), None);
        assert_eq!(Role::parse(""), None);
    }

    #[test]
    fn nothing_personal_can_be_printed() {
        let email = EmailAddress::parse("canary@example.com").unwrap();
        let name = DisplayName::parse("canary").unwrap();
        let password = NewPassword::parse("canary-password".to_owned().into()).unwrap();
        assert!(!format!("{email:?} {name:?} {password:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn an_address_reads_the_same_in_any_letter_case(text in "[a-zA-Z0-9+-]{1,9}(\\.[a-zA-Z0-9+-]{1,9}){0,2}@[a-zA-Z0-9]{1,10}\\.[a-zA-Z]{2,5}") {
            let parsed = EmailAddress::parse(&text).unwrap();
            prop_assert_eq!(&EmailAddress::parse(&text.to_uppercase()).unwrap(), &parsed);
            prop_assert_eq!(&EmailAddress::parse(parsed.as_str()).unwrap(), &parsed);
        }

        #[test]
        fn whatever_is_typed_never_panics_and_stays_within_bounds(text in ".{0,300}") {
            if let Ok(email) = EmailAddress::parse(&text) {
                prop_assert!(email.as_str().len() <= EmailAddress::MAX_LENGTH && email.as_str().is_ascii());
            }
        }
    }
}
