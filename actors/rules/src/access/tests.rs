//! Behaviour of access, given / when / then.

use super::Access;
use super::command::AccessCommand;
use super::decide::SEALED_NAME_MAX;
use crate::given::{Given, given};
use grimnir_events::access::{AccessEvent, Role};
use grimnir_events::sealed::Sealed;
use grimnir_events::{ContentHash, CredentialId, UserId};

fn user(n: u8) -> UserId {
    UserId([n; 16])
}

fn sealed(n: u8) -> Sealed {
    Sealed { person: user(n), nonce: [1; 24], ciphertext: vec![2; 20] }
}

fn register(n: u8, role: Role) -> AccessCommand {
    AccessCommand::RegisterUser {
        user_id: user(n),
        name: sealed(n),
        credential_id: CredentialId([n; 16]),
        fingerprint: ContentHash([n; 32]),
        role,
    }
}

fn registered(n: u8, role: Role) -> AccessEvent {
    AccessEvent::UserRegistered {
        user_id: user(n),
        name: sealed(n),
        credential_id: CredentialId([n; 16]),
        fingerprint: ContentHash([n; 32]),
        role,
    }
}

fn site() -> Given<Access> {
    given(&[registered(1, Role::Admin), registered(2, Role::Dj)])
}

fn grant(n: u8, role: Role) -> AccessCommand {
    AccessCommand::GrantRole { user_id: user(n), role }
}

fn erase(n: u8) -> AccessCommand {
    AccessCommand::EraseUser { user_id: user(n) }
}

#[test]
fn the_first_user_is_an_admin() {
    given::<Access>(&[]).when(register(1, Role::Dj)).rejected("first_user_not_admin");
    given::<Access>(&[])
        .when(register(1, Role::Admin))
        .then(&[registered(1, Role::Admin)])
        .when(register(1, Role::Admin))
        .then_nothing()
        .when(register(1, Role::Dj))
        .rejected("user_exists");
}

#[test]
fn there_is_never_no_admin() {
    site().when(grant(1, Role::Dj)).rejected("last_admin");
    site().when(erase(1)).rejected("last_admin");
    site()
        .when(grant(2, Role::Admin))
        .then(&[AccessEvent::RoleGranted { user_id: user(2), role: Role::Admin }])
        .when(grant(2, Role::Admin))
        .then_nothing()
        .when(erase(1))
        .then(&[AccessEvent::UserErased { user_id: user(1) }])
        .when(erase(1))
        .then_nothing()
        .when(register(1, Role::Admin))
        .rejected("user_erased");
}

#[test]
fn a_credential_signs_in_one_user() {
    let change = |n, credential| AccessCommand::ChangeCredential {
        user_id: user(n),
        credential_id: CredentialId([credential; 16]),
        fingerprint: ContentHash([7; 32]),
    };
    site().when(change(2, 1)).rejected("credential_taken");
    site().when(change(2, 0)).rejected("nil_id");
    site().when(change(8, 9)).rejected("user_not_found");
    let changed = AccessEvent::CredentialChanged {
        user_id: user(2),
        credential_id: CredentialId([2; 16]),
        fingerprint: ContentHash([7; 32]),
    };
    site().when(change(2, 2)).then(&[changed]).when(change(2, 2)).then_nothing();
}

#[test]
fn a_name_is_sealed_for_its_own_person() {
    let with = |name: Sealed| AccessCommand::RegisterUser {
        user_id: user(3),
        name,
        credential_id: CredentialId([3; 16]),
        fingerprint: ContentHash([3; 32]),
        role: Role::Dj,
    };
    site().when(with(sealed(2))).rejected("sealed_for_another");
    for length in [0, SEALED_NAME_MAX + 1] {
        let name = Sealed { ciphertext: vec![0; length], ..sealed(3) };
        site().when(with(name)).rejected("bad_sealed_name");
    }
    site().when(register(0, Role::Dj)).rejected("nil_id");
}

#[test]
fn nobody_is_asked_about_who_is_not_there() {
    site().when(grant(9, Role::Dj)).rejected("user_not_found");
    site().when(erase(9)).rejected("user_not_found");
}
