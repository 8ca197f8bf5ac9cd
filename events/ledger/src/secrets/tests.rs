//! What the secrets store keeps, and what it forgets.

use super::*;

const ANNA: UserId = UserId([1; 16]);
const BEN: UserId = UserId([2; 16]);
const CREDENTIAL: CredentialId = CredentialId([3; 16]);

fn opened() -> (tempfile::TempDir, Secrets) {
    let dir = tempfile::tempdir().expect("a folder");
    let secrets = Secrets::open(dir.path().join("secrets")).expect("opens");
    (dir, secrets)
}

fn again(dir: &tempfile::TempDir) -> Secrets {
    Secrets::open(dir.path().join("secrets")).expect("opens again")
}

#[test]
fn a_password_signs_in_in_any_case_of_the_name_and_after_reopening() {
    let (dir, secrets) = opened();
    let fingerprint = secrets.set_password("Anna", ANNA, CREDENTIAL, "right").expect("sets");
    let who = SignedIn { user_id: ANNA, credential_id: CREDENTIAL };
    for store in [secrets, again(&dir)] {
        assert_eq!(store.verify(" ANNA ", "right"), Some(who));
        assert_eq!(store.verify("anna", "wrong"), None);
        assert_eq!(store.verify("ben", "right"), None);
        assert_eq!(store.verify("anna", &"x".repeat(MAX_PASSWORD_BYTES + 1)), None);
        assert_eq!(store.fingerprint_of(ANNA), Some(fingerprint));
        assert_eq!(store.name_of(ANNA).as_deref(), Some("anna"));
    }
}

#[test]
fn what_another_process_has_changed_is_seen_and_kept() {
    let (dir, first) = opened();
    let second = again(&dir);
    first.set_password("anna", ANNA, CREDENTIAL, "one").expect("sets");
    assert!(second.verify("anna", "one").is_some(), "the other's change is seen");
    second.set_password("ben", BEN, CREDENTIAL, "two").expect("sets");
    assert!(first.verify("ben", "two").is_some());
    assert!(again(&dir).verify("anna", "one").is_some(), "and not undone by one's own");
}

#[test]
fn a_new_password_replaces_the_old_one_and_changes_the_fingerprint() {
    let (_dir, secrets) = opened();
    let first = secrets.set_password("anna", ANNA, CREDENTIAL, "one").expect("sets");
    let second = secrets.set_password("anna.b", ANNA, CREDENTIAL, "two").expect("sets");
    assert_ne!(first, second);
    assert_eq!(secrets.verify("anna", "one"), None);
    assert_eq!(secrets.verify("anna.b", "one"), None);
    assert!(secrets.verify("anna.b", "two").is_some());
}

#[test]
fn names_and_passwords_that_cannot_be_are_refused() {
    let (_dir, secrets) = opened();
    secrets.set_password("anna", ANNA, CREDENTIAL, "one").expect("sets");
    let set = |name, user, password: &str| secrets.set_password(name, user, CREDENTIAL, password);
    assert_eq!(set("ANNA", BEN, "x"), Err(SecretsError::NameTaken));
    assert_eq!(set("ben", BEN, ""), Err(SecretsError::Password { found: 0 }));
    let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
    assert_eq!(set("ben", BEN, &long), Err(SecretsError::Password { found: long.len() }));
}

#[test]
fn a_sealed_field_opens_for_its_person_only_and_unchanged_only() {
    let (dir, secrets) = opened();
    let sealed = secrets.seal(ANNA, "Anna B. Ünger").expect("seals");
    secrets.seal(BEN, "Ben").expect("seals");
    assert_eq!(again(&dir).unseal(&sealed).as_deref(), Some("Anna B. Ünger"));
    let text = String::from_utf8_lossy(&sealed.ciphertext).into_owned();
    assert!(!text.contains("Anna"), "the field is not readable as it stands");
    assert_eq!(secrets.unseal(&Sealed { person: BEN, ..sealed.clone() }), None);
    for at in 0..sealed.ciphertext.len() {
        let mut other = sealed.clone();
        other.ciphertext[at] ^= 1;
        assert_eq!(secrets.unseal(&other), None, "byte {at}");
    }
    let other = secrets.seal(ANNA, "Anna B. Ünger").expect("seals");
    assert_ne!(other, sealed, "each sealing has its own nonce");
}

#[test]
fn the_person_is_bound_into_the_sealed_bytes() {
    let key = [5; 32];
    let sealed = sealing::seal(&key, ANNA, "text").expect("seals");
    assert_eq!(sealing::unseal(&key, &sealed).as_deref(), Some("text"));
    // The same key, but another person's name on it.
    assert_eq!(sealing::unseal(&key, &Sealed { person: BEN, ..sealed }), None);
}

#[test]
fn an_erased_person_is_forgotten_for_good() {
    let (dir, secrets) = opened();
    secrets.set_password("anna", ANNA, CREDENTIAL, "one").expect("sets");
    let sealed = secrets.seal(ANNA, "Anna").expect("seals");
    secrets.erase(ANNA).expect("erases");
    for store in [secrets, again(&dir)] {
        assert_eq!(store.unseal(&sealed), None);
        assert_eq!(store.verify("anna", "one"), None);
        let erased = SecretsError::Erased { person: ANNA };
        assert_eq!(store.seal(ANNA, "Anna"), Err(erased.clone()));
        assert_eq!(store.set_password("anna", ANNA, CREDENTIAL, "one"), Err(erased));
    }
    let file = std::fs::read_to_string(dir.path().join("secrets/secrets.json")).expect("reads");
    assert!(!file.contains("anna"), "the name is gone from the file");
}

#[test]
fn the_token_secret_is_kept_and_is_each_stores_own() {
    let (dir, secrets) = opened();
    assert_eq!(again(&dir).token_secret(), secrets.token_secret());
    assert_ne!(opened().1.token_secret(), secrets.token_secret());
}

#[test]
fn only_the_owner_may_read_it() {
    let (dir, secrets) = opened();
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    let (folder, file) = (dir.path().join("secrets"), dir.path().join("secrets/secrets.json"));
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
    restrict(&file, 0o644).expect("sets");
    restrict(&folder, 0o755).expect("sets");
    again(&dir);
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600), "narrowed again at open");
    secrets.seal(ANNA, "Anna").expect("seals");
    assert_eq!(mode(&file), 0o600, "and after a change");
    assert!(!format!("{secrets:?}").contains(&hex::encode(secrets.token_secret())));
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let (dir, secrets) = opened();
    drop(secrets);
    let file = dir.path().join("secrets/secrets.json");
    std::fs::write(&file, b"{\"format\":1,\"token_secret\":\"hunter2\"}").expect("writes");
    let refused = Secrets::open(dir.path().join("secrets")).expect_err("refuses");
    assert!(matches!(refused, SecretsError::Foreign { .. }), "{refused}");
    assert!(!refused.to_string().contains("hunter2"), "the content is not quoted");
    assert!(std::fs::read_to_string(&file).expect("reads").contains("hunter2"));
}

#[test]
fn a_password_for_an_output_is_kept_as_it_is_and_its_fingerprint_tells_only_that_it_changed() {
    let (dir, secrets) = opened();
    let first = secrets.keep(CREDENTIAL, "hackme").expect("keeps");
    assert_eq!(secrets.keep(CREDENTIAL, "hackme"), Ok(first), "said again it is the same");
    let other = CredentialId([4; 16]);
    assert_ne!(secrets.keep(other, "hackme"), Ok(first), "salted");
    assert_eq!(again(&dir).kept(CREDENTIAL).as_deref(), Some("hackme"));
    assert_ne!(secrets.keep(CREDENTIAL, "another"), Ok(first));
    secrets.forget(CREDENTIAL).expect("forgets");
    assert_eq!(
        (again(&dir).kept(CREDENTIAL), again(&dir).kept(other)),
        (None, Some("hackme".into()))
    );
    assert_eq!(secrets.keep(other, ""), Err(SecretsError::Password { found: 0 }));
}

#[test]
fn a_store_from_before_outputs_opens() {
    let (dir, secrets) = opened();
    secrets.set_password("anna", ANNA, CREDENTIAL, "one").expect("sets");
    let path = dir.path().join("secrets/secrets.json");
    let mut old: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
    old.as_object_mut().expect("an object").remove("kept").expect("was there");
    fs::write(&path, old.to_string()).expect("writes");
    assert!(again(&dir).verify("anna", "one").is_some());
}
