//! The bodies that the routes of accounts answer with.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::model::{Account, Role};
use crate::accounts::sessions::TokenPair;

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct AccountResponse {
    /// UUIDv7.
    id: Uuid,
    /// What it logs in with, in lower case.
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    /// What it is called on screens.
    #[schema(example = "Ada Lovelace")]
    display_name: String,
    /// What it may do.
    role: RoleName,
    /// When it registered.
    #[serde(with = "crate::http::time::millis")]
    created_at: DateTime<Utc>,
}

impl From<Account> for AccountResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            email: account.email.as_str().to_owned(),
            display_name: account.display_name.as_str().to_owned(),
            role: account.role.into(),
            created_at: account.created_at,
        }
    }
}

/// What an account may do: a `customer` orders, an `operator` runs the shop.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    /// Orders, and sees its own orders.
    Customer,
    /// Runs the shop: catalog, fulfilment, webhooks.
    Operator,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer,
            Role::Operator => Self::Operator,
        }
    }
}

/// A session: one token to show with each request, and one to get the next pair with.
#[derive(Serialize, ToSchema)]
pub struct SessionResponse {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token is of no use any more.
    #[schema(example = 900)]
    expires_in: u64,
    /// Good once, for the next pair. Keep it as a password is kept.
    #[schema(example = "xL5bV2mK0cQ8rT1yZ7nD4sF6gH9jW3pE_aUoIiXvB-k")]
    refresh_token: String,
}

impl From<TokenPair> for SessionResponse {
    fn from(pair: TokenPair) -> Self {
        Self {
            access_token: pair.access_token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: pair.lifetime.as_secs(),
            refresh_token: pair.refresh_token.expose_secret().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::accounts::model::{DisplayName, EmailAddress};

    #[test]
    fn an_account_shows_five_members_and_never_its_password() {
        let account = Account {
            id: Uuid::from_u128(1),
            email: EmailAddress::parse("Ada@Example.com").unwrap(),
            display_name: DisplayName::parse("Ada").unwrap(),
            role: Role::Operator,
            created_at: DateTime::from_timestamp(1_700_000_000, 5_000_000).unwrap(),
        };
        let shown = serde_json::to_value(AccountResponse::from(account)).unwrap();
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001", "email": "ada@example.com", "display_name": "Ada",
            "role": "operator", "created_at": "2023-11-14T22:13:20.005Z",
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn roles_are_called_alike_everywhere() {
        for role in [Role::Customer, Role::Operator] {
            assert_eq!(
                serde_json::to_value(RoleName::from(role)).unwrap(),
                role.as_str()
            );
        }
    }
}
