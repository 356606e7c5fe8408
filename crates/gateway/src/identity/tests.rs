//! Tokens as the standards have them, and every token that must not be taken.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tabellion_model::body::ProofKind;

use sha2::{Digest as _, Sha256};

use super::jose::object;
use super::keys::KeySet;
use super::*;

/// RFC 7515 A.2: RS256.
const RS256: &str = concat!(
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzER",
    "at0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb",
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlU",
    "PQGe77Rw",
);
/// Its key.
const RSA: &str = concat!(
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9w",
    "Gzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia",
    "GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
);
/// RFC 7515 A.3: ES256.
const ES256: &str = concat!(
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4",
    "GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
);
/// Out of openssl: PS256, with the salt of RFC 7518 §3.5.
const PS256: &str = concat!(
    "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJqb2UifQ.Eqi2V8d6_VRy1VHtYDR0U_ITvWZ_3nePYflrEy8W0IweT1kotlFp3OcXrfw91gIqCtsbGWTENKGV3lINGbTQEjGovm97pm3RxIF3tyCRQT84_0",
    "5FHhHotOGvhekgKnlw79F7S7qjHA4oHtXP_qFxc2oFh_q0E_zhE5qVWD0jujJSQQuoEcdbhFGaVT9cFnsbV_JSNY6BKUyFdRpa0Ta0p84oDH6f0P5p_eDb-9Z-0KMsu4zMvlV7mmb7p2-0GF9wRkWY",
    "CurBx8IxRDXpDn8Ux7VPrdQU4Zp6GuVC9B5Yfk7Th7EFPZ-KE-ZeUVZ8JMqslu7BbLQQDQ8YQ01nVN2KKg",
);
/// Its key.
const PSS: &str = concat!(
    "jciRha-ttRZo_RdSTv5ucpNSy2lPXQOSMqETfe6SomoJ_U1wLS2RJkTd2EIQVVlVHUio_X_bdCZ_y_o6geLxdNdyUksK9z85GAyaYo5d0SOatTy8BvC7FRkNHI0-KxfQfDFmjV0YhKwqtYNnNcrULW",
    "uvGPH8F6_x1xcLz24Uof9qp5jsl9dc9tMsa99yDOxu_UDeJ2ZQEMAJvC0aO26hc7JIzB9o5SaEFWyEYT1Yekx6nIBjNlQNAyvI-uWRmM5VrCJNnM2sKiqFWXHJ-LeeTuXbV29re4_cXIS5nqou2lCM",
    "Vw0Jy1WjtF5txKNGM0tOhK-lGb-3IXcrt4bj03IhDQ",
);

/// 2026-10-05T09:30:00Z.
const NOW_S: u64 = 1_791_192_600;
const NOW: Micros = Micros(NOW_S * 1_000_000);
const ISSUER: &str = "https://login.example/realm";
const KEY: &str = "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b";

fn set(keys: &Value) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).expect("a set of keys")
}

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(seed: u8, kid: &str) -> Value {
    let x = URL_SAFE_NO_PAD.encode(signer(seed).verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": x })
}

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token of these very texts, signed by the key of `seed`.
fn written(header: &str, claims: &str, seed: u8) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = URL_SAFE_NO_PAD.encode(signer(seed).sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "one", "typ": "at+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": ["somebody", "tabellion"], "sub": "4711", "client_id": "loans", "jti": "a-token",
        "iat": NOW_S - 10, "exp": NOW_S + 300, "groups": ["advisers", "berlin", "advisers"],
    })
}

/// `of` with other members; null: without it.
fn with(mut of: Value, members: &Value) -> Value {
    let all = of.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    of
}

fn config() -> IdentityConfig {
    IdentityConfig {
        audiences: vec!["tabellion".to_owned()],
        clients: [("loans".to_owned(), KEY.to_owned())].into(),
        groups_claim: Some("groups".to_owned()),
        // No authority of the system is needed for what is never asked.
        jwks_url: Some("http://127.0.0.1:1/keys".to_owned()),
        ..IdentityConfig::new("corp", ISSUER)
    }
}

fn identities(config: IdentityConfig) -> Identities {
    let identities = Identities::new(&[config]).expect("it can be used");
    identities.0[0].take(Ok(set(&json!([public(1, "one"), public(2, "two")]))));
    identities
}

/// Requirement: G04.
#[test]
fn signatures_of_the_standards_hold_and_no_others() {
    let keys = set(&json!([
        { "kty": "RSA", "n": RSA, "e": "AQAB" },
        { "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" },
    ]));
    let pss = set(&json!([{ "kty": "RSA", "n": PSS, "e": "AQAB", "alg": "PS256" }]));
    for (what, keys, text) in [("RS256", &keys, RS256), ("ES256", &keys, ES256), ("PS256", &pss, PS256)] {
        let mut token = Token::read(text).expect("a token");
        let key = keys.find(&token).expect("its key");
        assert!(key.signed(&token), "{what}: a good signature is refused");
        for place in [0, token.signature.len() / 2, token.signature.len() - 1] {
            token.signature[place] ^= 1;
            assert!(!key.signed(&token), "{what}: a signature with another byte {place} is taken");
            token.signature[place] ^= 1;
        }
        let mut other = token.signed.to_vec();
        other[0] ^= 1;
        assert!(!key.signed(&Token { signed: &other, ..token }), "{what}: other bytes are taken");
    }
    // RFC 8037 A.4, whose payload is no JSON.
    let eddsa =
        set(&json!([{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]));
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let token = Token {
        algorithm: config::Algorithm::EdDsa,
        kid: None,
        claims: serde_json::Map::new(),
        signed: b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
    };
    assert!(eddsa.find(&token).is_some_and(|key| key.signed(&token)), "EdDSA: a good signature is refused");
}

/// Requirement: G04.
#[test]
fn a_key_is_for_its_own_algorithm_and_never_a_secret() {
    let token = Token::read(RS256).expect("a token");
    let finds = |keys: Value| set(&keys).find(&token).is_some();
    let rsa = json!({ "kty": "RSA", "n": RSA, "e": "AQAB" });
    assert!(finds(json!([rsa])));
    for (what, keys) in [
        ("one for another algorithm", json!([with(rsa.clone(), &json!({ "alg": "PS256" }))])),
        ("one for an algorithm that is not known", json!([with(rsa.clone(), &json!({ "alg": "RS512" }))])),
        ("one for encrypting", json!([with(rsa.clone(), &json!({ "use": "enc" }))])),
        ("one for signing alone", json!([with(rsa.clone(), &json!({ "key_ops": ["sign"] }))])),
        ("one that everybody has", json!([with(rsa.clone(), &json!({ "d": "AQAB" }))])),
        ("two of which either could be meant", json!([rsa, rsa])),
        ("one of another kind", json!([public(1, "one")])),
        ("a shared secret", json!([{ "kty": "oct", "k": RSA }])),
    ] {
        assert!(!finds(keys), "{what} was taken");
    }
    let many: Vec<Value> = (0..65).map(|number| public(1, &number.to_string())).collect();
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("a list", b"[]".to_vec()),
        ("keys twice", br#"{"keys":[],"keys":[]}"#.to_vec()),
        ("more keys than anybody has", json!({ "keys": many }).to_string().into_bytes()),
    ] {
        assert!(KeySet::read(&bytes).is_none(), "{what} was taken for a set of keys");
    }
    let small = set(&json!([{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }]));
    assert!(
        !small.find(&token).is_some_and(|key| key.signed(&token)),
        "a key of three bytes verified something"
    );
}

/// Requirement: G04.
#[test]
fn a_good_token_stands_for_the_key_of_its_client() {
    let identities = identities(config());
    let text = written(&header().to_string(), &claims().to_string(), 1);
    let proved = identities.caller(&text, NOW).map_err(TokenFault::explain).expect("it is good");
    assert_eq!(proved.key.to_hex(), KEY);
    assert_eq!(proved.shown.chain.person.as_deref(), Some("corp|4711"));
    assert_eq!(proved.shown.chain.agent.as_deref(), Some("corp|loans"));
    assert_eq!(proved.shown.chain.groups, ["corp|advisers", "corp|berlin"]);
    let proof = &proved.shown.proof;
    assert_eq!((proof.kind, proof.by.as_str()), (ProofKind::TokenId, "corp"));
    assert_eq!(proof.sha256, crate::words::hex_of(Sha256::digest("a-token").into()));
    let alone = with(claims(), &json!({ "sub": "loans", "jti": null, "groups": null, "aud": "tabellion" }));
    let text = written(&header().to_string(), &alone.to_string(), 1);
    let proved = identities.caller(&text, NOW).map_err(TokenFault::explain).expect("it is good");
    assert_eq!(proved.shown.chain.person, None, "a client that acts for nobody was taken for a person");
    assert_eq!(proved.shown.proof.kind, ProofKind::Token);
    let shown = serde_json::to_string(&*proved.shown).expect("plain");
    assert!(text.split('.').all(|part| !shown.contains(part)), "a record would hold a part of the token");
}

/// Requirement: G04. Everything about a header that must not be: each would let somebody in whom the issuer never let in.
#[test]
fn a_token_whose_header_asks_for_more_is_refused() {
    use TokenFault::{Algorithm, Header, Key, Malformed, Signature};
    let identities = identities(config());
    let text = claims().to_string();
    for (change, seed, fault) in [
        (json!({ "alg": "none" }), 1, Algorithm),
        (json!({ "alg": "HS256" }), 1, Algorithm),
        (json!({ "alg": "eddsa" }), 1, Algorithm),
        (json!({ "alg": null }), 1, Algorithm),
        (json!({ "alg": ["EdDSA"] }), 1, Algorithm),
        (json!({ "alg": "RS256" }), 1, Key),
        (json!({ "kid": "three" }), 1, Key),
        (json!({ "kid": null }), 1, Key),
        (json!({ "kid": 1 }), 1, Malformed),
        (json!({ "kid": "k".repeat(257) }), 1, Malformed),
        (json!({ "kid": "two" }), 1, Signature),
        (json!({}), 3, Signature),
        (json!({ "crit": ["exp"] }), 1, Header),
        (json!({ "b64": false }), 1, Header),
        (json!({ "jwk": public(1, "one") }), 1, Header),
        (json!({ "jku": "https://elsewhere.example/keys" }), 1, Header),
        (json!({ "x5u": "https://elsewhere.example/chain" }), 1, Header),
        (json!({ "x5c": ["AAAA"] }), 1, Header),
        (json!({ "enc": "A256GCM" }), 1, Header),
        (json!({ "typ": "logout+jwt" }), 1, Header),
        (json!({ "typ": 1 }), 1, Header),
    ] {
        let token = written(&with(header(), &change).to_string(), &text, seed);
        assert_eq!(identities.caller(&token, NOW).err(), Some(fault), "{change}");
    }
    for typ in ["JWT", "AT+JWT", "application/at+jwt"] {
        let token = written(&with(header(), &json!({ "typ": typ })).to_string(), &text, 1);
        assert!(identities.caller(&token, NOW).is_ok(), "{typ} is what access tokens are called");
    }
    let only = IdentityConfig { algorithms: vec![config::Algorithm::Es256], ..config() };
    let token = written(&header().to_string(), &text, 1);
    assert_eq!(
        self::identities(only).caller(&token, NOW).err(),
        Some(Algorithm),
        "one that is not allowed is taken"
    );
}

/// Requirement: G04.
#[test]
fn a_token_that_readers_read_differently_is_refused() {
    let identities = identities(config());
    let (header, text) = (header().to_string(), claims().to_string());
    let good = written(&header, &text, 1);
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let twice = |of: &str, member: &str| of.replacen('{', &format!("{{{member},"), 1);
    for (what, token) in [
        ("nothing", String::new()),
        ("a word", "token".to_owned()),
        ("two parts", signed.to_owned()),
        ("four parts", format!("{good}.AAAA")),
        ("five parts", format!("{good}.AAAA.AAAA")),
        ("padding", format!("{good}=")),
        ("no signature", format!("{signed}.")),
        ("a space", good.replacen('.', " .", 1)),
        ("a member of the header twice", written(&twice(&header, r#""alg":"none""#), &text, 1)),
        ("a claim twice", written(&header, &twice(&text, r#""sub":"4712""#), 1)),
        ("a claim twice, once escaped", written(&header, &twice(&text, r#""\u0073ub":"4712""#), 1)),
        ("no object", written(&header, "[]", 1)),
        ("text behind the claims", written(&header, &format!("{text} {{}}"), 1)),
    ] {
        let fault = identities.caller(&token, NOW).err();
        let refused = matches!(fault, Some(TokenFault::Malformed | TokenFault::Signature));
        assert!(refused, "{what}: {fault:?}");
    }
    // A spelling of the same bytes that some readers take: the last digit has bits that are not used.
    let last = signature.chars().last().expect("digits");
    let other = char::from_u32(u32::from(last) + 1).expect("a character");
    let token = format!("{signed}.{}{other}", &signature[..signature.len() - 1]);
    assert!(identities.caller(&token, NOW).is_err(), "two texts are one token");
    let large = written(&header, &with(claims(), &json!({ "more": "x".repeat(16 << 10) })).to_string(), 1);
    assert_eq!(identities.caller(&large, NOW).err(), Some(TokenFault::TooLarge));
    let deep = format!("{}1{}", "[".repeat(20), "]".repeat(20));
    assert!(object(format!("{{\"a\":{deep}}}").as_bytes(), 1024).is_none(), "nesting without an end");
}

/// Requirement: G04.
#[test]
fn a_claim_that_does_not_hold_refuses_the_token() {
    use TokenFault::{Audience, Claims, Client, Expired, Issuer, Lifetime, NotYet};
    let identities = identities(config());
    for (change, fault) in [
        (json!({ "iss": "https://login.example/realm/" }), Issuer),
        (json!({ "iss": null }), Issuer),
        (json!({ "aud": "somebody" }), Audience),
        (json!({ "aud": [] }), Audience),
        (json!({ "aud": "tabellion2" }), Audience),
        (json!({ "aud": null }), Claims),
        (json!({ "aud": ["tabellion", 1] }), Claims),
        (json!({ "exp": NOW_S - 60 }), Expired),
        (json!({ "exp": null }), Claims),
        (json!({ "exp": "1791192900" }), Claims),
        (json!({ "exp": -1 }), Claims),
        (json!({ "exp": 1.5e9 }), Claims),
        (json!({ "iat": null }), Claims),
        (json!({ "iat": NOW_S + 61 }), NotYet),
        (json!({ "nbf": NOW_S + 61 }), NotYet),
        (json!({ "nbf": "now" }), Claims),
        (json!({ "exp": NOW_S - 10 + 86_401 }), Lifetime),
        (json!({ "client_id": null }), Claims),
        (json!({ "client_id": 7 }), Claims),
        (json!({ "client_id": "unknown" }), Client),
        (json!({ "client_id": "LOANS" }), Client),
        (json!({ "sub": ["4711"] }), Claims),
        (json!({ "sub": "" }), Claims),
        (json!({ "sub": "a\nb" }), Claims),
        (json!({ "sub": "x".repeat(257) }), Claims),
        (json!({ "groups": "advisers" }), Claims),
        (json!({ "groups": [1] }), Claims),
        (json!({ "groups": (0..257).map(|group| group.to_string()).collect::<Vec<_>>() }), Claims),
        (json!({ "groups": null, "_claim_names": { "groups": "src1" } }), Claims),
        (json!({ "jti": 5 }), Claims),
    ] {
        let token = written(&header().to_string(), &with(claims(), &change).to_string(), 1);
        assert_eq!(identities.caller(&token, NOW).err(), Some(fault), "{change}");
    }
    for change in [
        json!({ "exp": NOW_S - 59 }),
        json!({ "iat": NOW_S + 60 }),
        json!({ "nbf": NOW_S + 60 }),
        json!({ "exp": NOW_S - 10 + 86_400 }),
    ] {
        let token = written(&header().to_string(), &with(claims(), &change).to_string(), 1);
        assert!(identities.caller(&token, NOW).is_ok(), "{change} is within what clocks may differ by");
    }
}

/// Requirement: G04. Keys that cannot be read: none lets anybody in, those of before do for a while, and an empty set lets in nobody at once.
#[test]
fn without_fresh_keys_nobody_is_let_in() {
    let token = written(&header().to_string(), &claims().to_string(), 1);
    let never = Identities::new(&[config()]).expect("it can be used");
    assert_eq!(never.caller(&token, NOW).err(), Some(TokenFault::Unavailable));
    never.0[0].take(Err(unread::Unread::Silent));
    assert_eq!(never.caller(&token, NOW).err(), Some(TokenFault::Unavailable));
    let kept = identities(config());
    kept.0[0].take(Err(unread::Unread::Silent));
    assert!(kept.caller(&token, NOW).is_ok(), "one failure ends every application at once");
    kept.0[0].take(Ok(set(&json!([public(2, "two")]))));
    assert_eq!(kept.caller(&token, NOW).err(), Some(TokenFault::Key), "a key that was taken away is used on");
    kept.0[0].take(Ok(set(&json!([]))));
    assert_eq!(kept.caller(&token, NOW).err(), Some(TokenFault::Key));
    let old = identities(IdentityConfig { max_age_ms: 0, ..config() });
    assert_eq!(old.caller(&token, NOW).err(), Some(TokenFault::Unavailable), "keys of long ago are gone by");
}

#[test]
fn what_would_let_in_anybody_is_refused_at_the_start() {
    let none = Vec::new;
    for (what, config) in [
        (
            "plain http",
            IdentityConfig { jwks_url: None, issuer: "http://login.example".to_owned(), ..config() },
        ),
        (
            "plain http for its keys",
            IdentityConfig { jwks_url: Some("http://10.0.0.1/keys".to_owned()), ..config() },
        ),
        ("no audience", IdentityConfig { audiences: none(), ..config() }),
        ("no algorithm", IdentityConfig { algorithms: Vec::new(), ..config() }),
        ("no client", IdentityConfig { clients: [].into(), ..config() }),
        (
            "a key that is none",
            IdentityConfig { clients: [("a".to_owned(), "b".to_owned())].into(), ..config() },
        ),
        ("the name of certificates", IdentityConfig { name: "mtls".to_owned(), ..config() }),
        ("a name that no policy can hold", IdentityConfig { name: "Corp|x".to_owned(), ..config() }),
    ] {
        assert!(Identities::new(&[config]).is_err(), "{what} is taken");
    }
    let other = IdentityConfig { name: "other".to_owned(), ..config() };
    assert!(Identities::new(&[config(), other]).is_err(), "two sections say whose tokens of one issuer are");
    let other = IdentityConfig { issuer: "https://other.example".to_owned(), ..config() };
    assert!(Identities::new(&[config(), other]).is_err(), "two issuers have one name, and their people too");
}
