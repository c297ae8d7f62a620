//! Every way in which a token can be wrong, each signed as well as an attacker could.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;

const SECRET: &str = "the-first-secret-of-32-bytes-and-more";
const OTHER_SECRET: &str = "another-secret-of-32-bytes-and-more!";

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn rules(minutes: u64) -> TokenRules {
    TokenRules {
        issuer: "glasshouse".to_owned(),
        audience: "glasshouse".to_owned(),
        lifetime: Duration::from_mins(minutes),
    }
}

fn tokens() -> AccessTokens {
    AccessTokens::new(Arc::new(TokenKeys::new(&secret(SECRET), None)), rules(15))
}

fn identity() -> Identity {
    Identity {
        account: Uuid::from_u128(7),
        role: Role::Customer,
    }
}

fn kid(secret: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"glasshouse access token key id\0")
        .chain_update(secret)
        .finalize();
    let (id, _rest) = digest.split_at(8);
    id.iter()
        .fold(String::new(), |id, byte| id + &format!("{byte:02x}"))
}

fn header() -> Value {
    json!({"typ": "at+jwt", "alg": "HS256", "kid": kid(SECRET)})
}

fn claims() -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({
        "iss": "glasshouse", "aud": "glasshouse", "sub": identity().account, "role": "customer",
        "jti": Uuid::now_v7(), "iat": now, "nbf": now, "exp": now + 60,
    })
}

/// Signed with the right key, whatever it says.
fn sign(header: &str, claims: &str) -> String {
    sign_with(SECRET, header, claims)
}

fn sign_with(secret: &str, header: &str, claims: &str) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap()
        .chain_update(&message);
    format!(
        "{message}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

/// The good value with one member changed, or taken away by `null`.
fn with(mut object: Value, member: &str, value: Value) -> String {
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().remove(member)),
        value => object[member] = value,
    }
    object.to_string()
}

fn assert_refused(token: &str, why: &str) {
    assert!(tokens().verify(token).is_err(), "accepted: {why}");
}

#[test]
fn a_token_tells_who_its_bearer_is() {
    let tokens = tokens();
    for role in [Role::Customer, Role::Operator] {
        let identity = Identity { role, ..identity() };
        let token = tokens.issue(identity, Utc::now()).unwrap();
        assert_eq!(tokens.verify(token.expose_secret()).unwrap(), identity);
    }
    assert_eq!(
        tokens
            .verify(&sign(&header().to_string(), &claims().to_string()))
            .unwrap(),
        identity()
    );
}

#[test]
fn a_token_holds_what_the_contract_says() {
    let token = tokens()
        .issue(
            identity(),
            DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        )
        .unwrap();
    let parts: Vec<Vec<u8>> = token
        .expose_secret()
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    assert_eq!(
        serde_json::from_slice::<Value>(&parts[0]).unwrap(),
        header()
    );
    let mut claims: Value = serde_json::from_slice(&parts[1]).unwrap();
    assert!(Uuid::try_parse(claims["jti"].take().as_str().unwrap()).is_ok());
    assert_eq!(
        claims,
        json!({
            "iss": "glasshouse", "aud": "glasshouse", "sub": identity().account, "role": "customer", "jti": null,
            "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 1_700_000_900,
        })
    );
}

#[test]
fn no_other_algorithm_passes() {
    for algorithm in [
        "none", "None", "NONE", "nOnE", "", "HS384", "HS512", "hs256", "RS256", "RS512", "PS256",
        "ES256", "EdDSA", "HS256 ", "HMAC",
    ] {
        let header = with(header(), "alg", algorithm.into());
        assert_refused(&sign(&header, &claims().to_string()), algorithm);
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims().to_string())
        );
        assert_refused(&unsigned, &format!("{algorithm}, unsigned"));
    }
    assert_refused(
        &sign(&with(header(), "alg", Value::Null), &claims().to_string()),
        "no alg",
    );
}

#[test]
fn only_a_header_of_ours_passes() {
    let own_key = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(OTHER_SECRET), "kid": kid(OTHER_SECRET), "alg": "HS256"});
    for (member, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("at+JWT ")),
        ("typ", json!("rt+jwt")),
        ("typ", Value::Null),
        ("kid", json!(kid(OTHER_SECRET))),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("")),
        ("kid", json!(0)),
        ("kid", Value::Null),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
    ] {
        let why = format!("{member}: {value}");
        assert_refused(
            &sign(&with(header(), member, value), &claims().to_string()),
            &why,
        );
    }
    for (member, value) in [
        ("jwk", own_key),
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/chain")),
        ("x5c", json!(["AAAA"])),
    ] {
        let header = with(header(), member, value);
        assert_refused(
            &sign_with(OTHER_SECRET, &header, &claims().to_string()),
            member,
        );
    }
}

#[test]
fn only_claims_of_ours_pass() {
    let now = jsonwebtoken::get_current_timestamp();
    for (claim, value) in [
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!(["glasshouse", "elsewhere"])),
        ("iss", Value::Null),
        ("aud", json!("another-service")),
        ("aud", json!(["glasshouse"])),
        ("aud", Value::Null),
        ("sub", json!("root")),
        ("sub", Value::Null),
        ("role", json!("admin")),
        ("role", json!("Operator")),
        ("role", Value::Null),
        ("jti", Value::Null),
        ("exp", json!(now - 31)),
        ("exp", json!(now.to_string())),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(9_999_999_999_u64)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(0)),
        ("exp", Value::Null),
        ("nbf", json!(now + 40)),
        ("nbf", json!("0")),
        ("nbf", Value::Null),
        ("iat", json!(now + 40)),
        ("iat", Value::Null),
    ] {
        let why = format!("{claim}: {value}");
        assert_refused(
            &sign(&header().to_string(), &with(claims(), claim, value)),
            &why,
        );
    }
    let twice = claims()
        .to_string()
        .replacen('{', "{\"role\":\"operator\",", 1);
    assert_refused(&sign(&header().to_string(), &twice), "a claim given twice");
    for claims in ["", "null", "[]", "{}", "\"claims\"", "{\"exp\":"] {
        assert_refused(&sign(&header().to_string(), claims), claims);
    }
}

#[test]
fn clocks_may_differ_by_half_a_minute() {
    let now = jsonwebtoken::get_current_timestamp();
    for (claim, value) in [("exp", now - 25), ("nbf", now + 25), ("iat", now + 25)] {
        let token = sign(&header().to_string(), &with(claims(), claim, value.into()));
        assert!(tokens().verify(&token).is_ok(), "{claim}");
    }
}

#[test]
fn a_token_that_is_cut_spelt_otherwise_or_too_long_is_refused() {
    let good = sign(&header().to_string(), &claims().to_string());
    for length in 0..good.len() {
        assert_refused(&good[..length], &format!("its first {length} bytes"));
    }
    let parts: Vec<_> = good
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    let message = good.rsplit_once('.').unwrap().0;
    assert_refused(
        &format!("{message}.{}", URL_SAFE.encode(&parts[2])),
        "padded",
    );
    assert_refused(
        &parts
            .iter()
            .map(|part| STANDARD.encode(part))
            .collect::<Vec<_>>()
            .join("."),
        "standard alphabet",
    );
    for token in [
        format!("{good}."),
        format!(".{good}"),
        format!("{good} "),
        format!("{good}\n"),
        good.replace('.', ".."),
    ] {
        assert_refused(&token, &token);
    }
    assert_refused(
        &format!("{message}.{}", "A".repeat(43)),
        "another signature",
    );
    assert_refused(&format!("{message}.{}", "é".repeat(20)), "not base64");
    assert_refused("\0.\u{fffd}.\u{7f}", "not text");

    let padding = "x".repeat(MAX_LENGTH);
    assert_refused(
        &sign(
            &header().to_string(),
            &with(claims(), "padding", padding.into()),
        ),
        "too long",
    );
    assert_refused(&"a".repeat(1024 * 1024), "a megabyte");
    assert_refused(
        &format!("{}.e30.", URL_SAFE_NO_PAD.encode("[".repeat(3000))),
        "deeply nested",
    );
}

#[test]
fn a_token_of_the_previous_key_is_good_until_that_key_is_gone() {
    let keys = Arc::new(TokenKeys::new(&secret(SECRET), None));
    let tokens = AccessTokens::new(Arc::clone(&keys), rules(15));
    let old = tokens.issue(identity(), Utc::now()).unwrap();

    keys.replace(&secret(OTHER_SECRET), Some(&secret(SECRET)));
    let new = tokens.issue(identity(), Utc::now()).unwrap();
    assert!(tokens.verify(old.expose_secret()).is_ok());
    assert!(tokens.verify(new.expose_secret()).is_ok());

    keys.replace(&secret(OTHER_SECRET), None);
    assert!(matches!(
        tokens.verify(old.expose_secret()),
        Err(TokenError::Key)
    ));
    assert!(tokens.verify(new.expose_secret()).is_ok());
}

#[test]
fn a_shorter_lifetime_holds_for_tokens_already_given_out() {
    let token = tokens().issue(identity(), Utc::now()).unwrap();
    let stricter = AccessTokens::new(Arc::new(TokenKeys::new(&secret(SECRET), None)), rules(1));
    assert!(matches!(
        stricter.verify(token.expose_secret()),
        Err(TokenError::Claims)
    ));
}

#[test]
fn ephemeral_keys_are_made_anew_and_take_a_previous_one() {
    let one = TokenKeys::ephemeral(Some(&secret(SECRET))).unwrap();
    let two = TokenKeys::ephemeral(None).unwrap();
    assert_ne!(one.ring().current.id, two.ring().current.id);
    assert!(one.ring().find(&kid(SECRET)).is_some());
    assert!(two.ring().find(&kid(SECRET)).is_none());
}

#[test]
fn neither_keys_nor_errors_show_a_secret_or_a_token() {
    let tokens = tokens();
    assert!(!format!("{tokens:?}").contains("secret"));
    let error = tokens
        .verify(&sign(
            &header().to_string(),
            &with(claims(), "role", "canary".into()),
        ))
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}
