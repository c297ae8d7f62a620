//! Reads a password: one line of standard input, or asked for twice when that is a terminal.
//!
//! The one rule: it never comes from an argument or the environment, where others can read it.

use super::error::CliError;
use crate::accounts::model::NewPassword;
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{self, BufRead, IsTerminal as _};

/// Longer than any password that an account may have; what is longer is not one line by mistake.
const LONGEST: u64 = 4096;

/// Asks for the password of a new account; one that breaks the rules for passwords is refused.
pub(super) fn new() -> Result<NewPassword, CliError> {
    NewPassword::parse(read()?).map_err(|rule| CliError::usage(format!("the password {rule}")))
}

fn read() -> Result<SecretString, CliError> {
    if !io::stdin().is_terminal() {
        return first_line(io::stdin().lock());
    }
    let ask = |prompt| {
        rpassword::prompt_password(prompt)
            .map(SecretString::from)
            .map_err(CliError::io("the password could not be read"))
    };
    let password = ask("Password: ")?;
    let again = ask("Again: ")?;
    if password.expose_secret() == again.expose_secret() {
        Ok(password)
    } else {
        Err(CliError::usage("the two passwords differ"))
    }
}

/// The first line without its end. An empty one is refused: it is a closed or forgotten input.
fn first_line(input: impl BufRead) -> Result<SecretString, CliError> {
    let mut line = String::new();
    input
        .take(LONGEST)
        .read_line(&mut line)
        .map_err(CliError::io(
            "the password could not be read from standard input",
        ))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(CliError::usage(
            "a password is expected on standard input, in one line",
        ));
    }
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use super::first_line;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_line_is_taken_without_its_end_and_with_its_spaces() {
        for (input, expected) in [
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret", "secret"),
            (" two words \nsecond line\n", " two words "),
        ] {
            let password = first_line(input.as_bytes()).unwrap();
            assert_eq!(password.expose_secret(), expected);
        }
    }

    #[test]
    fn an_empty_line_is_refused() {
        assert!(first_line(&b""[..]).is_err());
        assert!(first_line(&b"\nsecret\n"[..]).is_err());
    }
}
