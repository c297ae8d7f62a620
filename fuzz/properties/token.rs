//! What holds for every access token: it is accepted exactly when a key of ours signed it and its header and claims are
//! those that RFC 9068 and this service ask for, and it then names the account and the role that its claims name. The
//! oracle takes tokens apart by itself and computes their signatures with `hmac`.
//!
//! The first byte of an input says what the rest is:
//!
//! - `j`: JSON, `{"key": …, "header": {…}, "claims": {…}}`, what a token of that key has otherwise than a good one. Null
//!   takes a member away; whole numbers near zero as `iat`, `nbf` and `exp` are seconds from now.
//! - `s`: header and claims as they stand, with a line feed between them, signed by our key
//! - `e`: edits of a good token, each of three bytes: what is done, where, and the new byte
//! - `i`: an account, a role and a time for which a token is made
//! - anything else: the token itself

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use glasshouse::accounts::model::Role;
use glasshouse::accounts::token::{AccessTokens, Identity, TokenError, TokenKeys, TokenRules};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const CURRENT: &str = "the-first-secret-of-32-bytes-and-more";
const PREVIOUS: &str = "the-secret-before-that-of-32-bytes..";
const OTHER: &str = "another-secret-of-32-bytes-and-more!";

const LIFETIME: u64 = 900;
const LEEWAY: u64 = 30;
const LONGEST: usize = 4096;

static TOKENS: LazyLock<AccessTokens> = LazyLock::new(|| {
    let keys = TokenKeys::new(
        &CURRENT.to_owned().into(),
        Some(&PREVIOUS.to_owned().into()),
    );
    let rules = TokenRules {
        issuer: "glasshouse".to_owned(),
        audience: "orders".to_owned(),
        lifetime: Duration::from_secs(LIFETIME),
    };
    AccessTokens::new(Arc::new(keys), rules)
});

static KEYS: LazyLock<[(String, &str); 3]> =
    LazyLock::new(|| [CURRENT, PREVIOUS, OTHER].map(|secret| (id(secret), secret)));

/// Panics where something does not.
pub(super) fn holds(data: &[u8]) {
    match data {
        [b'j', rest @ ..] => changed(rest),
        [b's', rest @ ..] => signed_as_it_stands(rest),
        [b'e', rest @ ..] => edited(rest),
        [b'i', rest @ ..] => issued(rest),
        _ => {
            check(&String::from_utf8_lossy(data));
        }
    }
}

/// Holds the service against the oracle, and says what the service said.
fn check(token: &str) -> Option<Identity> {
    let before = good(token, now());
    let said = TOKENS.verify(token);
    let after = good(token, now());
    match &said {
        // The clock may have gone on between the two.
        Ok(identity) => assert!(
            [before, after].contains(&Some(*identity)),
            "{token} was accepted as {identity:?}"
        ),
        Err(error) => assert!(
            !matches!(error, TokenError::Signing | TokenError::Random(_)),
            "{token} was refused: {error}"
        ),
    }
    said.ok()
}

/// The same, and nothing that is good is refused.
fn check_both_ways(token: &str) {
    let before = good(token, now());
    let said = check(token);
    if before == good(token, now()) {
        assert_eq!(said, before, "{token}");
    }
}

fn changed(rest: &[u8]) {
    let Ok(Value::Object(wish)) = serde_json::from_slice(rest) else {
        return;
    };
    let key = match wish.get("key").and_then(Value::as_str) {
        Some("previous") => &KEYS[1],
        Some("other") => &KEYS[2],
        _ => &KEYS[0],
    };
    let mut header = object(json!({"typ": "at+jwt", "alg": "HS256", "kid": key.0}));
    let members = header.len();
    change(&mut header, wish.get("header"));
    let now = now();
    let account = Uuid::from_u128(7);
    let mut claims = object(json!({
        "iss": "glasshouse", "aud": "orders", "sub": account, "role": "customer",
        "jti": account, "iat": now, "nbf": now, "exp": now + 60,
    }));
    change(&mut claims, wish.get("claims"));
    for name in ["iat", "nbf", "exp"] {
        let Some(seconds) = claims.get(name).and_then(Value::as_i64) else {
            continue;
        };
        if (-1_000_000..=1_000_000).contains(&seconds) {
            claims[name] = json!(now.saturating_add_signed(seconds));
        }
    }
    let known = header.len() <= members && !header.values().any(|value| !value.is_string());
    let token = sign(key.1, json!(header).to_string(), json!(claims).to_string());
    if known {
        check_both_ways(&token);
    } else {
        // What else a header may hold is between the token and the library; it opens nothing.
        check(&token);
    }
    // Nothing is good because it says that it needs no signature.
    let unsigned = &token[..=token.rfind('.').unwrap_or_default()];
    assert_eq!(check(unsigned), None, "{unsigned}");
}

fn signed_as_it_stands(rest: &[u8]) {
    let mut parts = rest.splitn(2, |byte| *byte == b'\n');
    let header = parts.next().unwrap_or_default();
    let claims = parts.next().unwrap_or_default();
    check(&sign(CURRENT, header, claims));
    assert_eq!(check(&sign(OTHER, header, claims)), None);
}

/// A token that is not to the byte what was given out is none.
fn edited(edits: &[u8]) {
    let original = give_out(Uuid::from_u128(7), Role::Operator, 0);
    let mut token = original.clone().into_bytes();
    for edit in edits.chunks_exact(3).take(16) {
        let (at, new) = (
            usize::from(edit[1]) * 2 + usize::from(edit[0] >> 7),
            edit[2],
        );
        let at = at % (token.len() + 1);
        match edit[0] % 6 {
            0 => token.insert(at, new),
            1 => token.truncate(at),
            2 if at < token.len() => drop(token.remove(at)),
            3 if at < token.len() => token[at] ^= 1 << (new % 8),
            4 if at < token.len() => token[at].make_ascii_uppercase(),
            5 if at < token.len() => token[at] = new,
            _ => token.push(new),
        }
    }
    let token = String::from_utf8_lossy(&token);
    let said = check(&token);
    assert_eq!(
        said.is_some(),
        token == original,
        "{original} became {token}"
    );
}

fn issued(rest: &[u8]) {
    let mut account = [0; 16];
    let length = rest.len().min(16);
    account[..length].copy_from_slice(&rest[..length]);
    let role = match rest.get(16) {
        Some(byte) if byte % 2 == 1 => Role::Operator,
        _ => Role::Customer,
    };
    let seconds = match rest.get(17..19) {
        Some(two) => i16::from_le_bytes([two[0], two[1]]) / 16,
        None => 0,
    };
    let account = Uuid::from_bytes(account);
    let token = give_out(account, role, seconds.into());
    check_both_ways(&token);
    // Far enough from either end for a slow machine.
    if (-900..=0).contains(&seconds) {
        assert_eq!(check(&token), Some(Identity { account, role }), "{token}");
    }
}

fn give_out(account: Uuid, role: Role, seconds: i64) -> String {
    let at = Utc::now() + TimeDelta::seconds(seconds);
    let token = TOKENS.issue(Identity { account, role }, at);
    let token = token.expect("every time of these years has tokens");
    token.expose_secret().to_owned()
}

/// Who the bearer is, when the token is one of ours and good at that time.
fn good(token: &str, now: u64) -> Option<Identity> {
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return None;
    };
    let decoded = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        // One spelling for one token.
        (URL_SAFE_NO_PAD.encode(&bytes) == part).then_some(bytes)
    };
    let read = |part: &str| serde_json::from_slice::<Value>(&decoded(part)?).ok();
    let (header, claims) = (read(header)?, read(claims)?);
    let ours = &KEYS[..2];
    let kid = header["kid"].as_str()?;
    let (_, secret) = ours.iter().find(|(id, _)| id == kid)?;
    let message = token.rsplit_once('.')?.0;
    let is_signed = decoded(signature)? == mac(secret, message);
    let is_header = header["typ"] == "at+jwt" && header["alg"] == "HS256";
    let asks_for_nothing = header.get("crit").is_none_or(Value::is_null);
    let is_ours = claims["iss"] == "glasshouse" && claims["aud"] == "orders";
    let uuid = |name: &str| Uuid::try_parse(claims[name].as_str()?).ok();
    let time = |name: &str| claims[name].as_u64();
    uuid("jti")?;
    let role = match claims["role"].as_str()? {
        "customer" => Role::Customer,
        "operator" => Role::Operator,
        _ => return None,
    };
    let begun = time("nbf")?.max(time("iat")?) <= now + LEEWAY;
    let ends = time("exp")?;
    let lasts = (now - LEEWAY..=now + LEEWAY + LIFETIME).contains(&ends);
    let account = uuid("sub")?;
    let is_one = is_header && asks_for_nothing && token.len() <= LONGEST;
    let all = is_signed && is_one && is_ours && begun && lasts;
    all.then_some(Identity { account, role })
}

fn change(good: &mut Map<String, Value>, wish: Option<&Value>) {
    for (name, value) in wish.and_then(Value::as_object).into_iter().flatten() {
        if value.is_null() {
            good.remove(name);
        } else {
            good.insert(name.clone(), value.clone());
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn sign(secret: &str, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(mac(secret, &message));
    format!("{message}.{signature}")
}

fn mac(secret: &str, message: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// How a key is named: by the first eight bytes of a digest.
fn id(secret: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"glasshouse access token key id\0")
        .chain_update(secret)
        .finalize();
    let bytes = digest.iter().take(8);
    bytes.fold(String::new(), |id, byte| id + &format!("{byte:02x}"))
}

fn now() -> u64 {
    Utc::now().timestamp().try_into().expect("after 1970")
}
