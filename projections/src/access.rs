//! Users of the site; their names stay sealed in the ledger.

use crate::change::Changes;
use crate::model::Model;
use crate::rows::UserRow;
use grimnir_events::access::AccessEvent;
use serde_json::json;

/// Folds one event.
pub(crate) fn apply(model: &mut Model, event: &AccessEvent) {
    match event {
        AccessEvent::UserRegistered { user_id, credential_id, fingerprint, role, .. } => {
            let row = UserRow {
                id: *user_id,
                role: *role,
                credential_id: *credential_id,
                fingerprint: *fingerprint,
            };
            model.users.insert(*user_id, row);
        }
        AccessEvent::RoleGranted { user_id, role } => {
            if let Some(row) = model.users.get_mut(user_id) {
                row.role = *role;
            }
        }
        AccessEvent::CredentialChanged { user_id, credential_id, fingerprint } => {
            if let Some(row) = model.users.get_mut(user_id) {
                (row.credential_id, row.fingerprint) = (*credential_id, *fingerprint);
            }
        }
        AccessEvent::UserErased { user_id } => {
            model.users.remove(user_id);
        }
    }
}

/// Tells who changed, and nothing of names or secrets.
pub(crate) fn tell(out: &mut Changes, event: &AccessEvent) {
    let payload = match event {
        AccessEvent::UserRegistered { user_id, role, .. } => {
            json!({ "change": "user_registered", "user_id": user_id, "role": role })
        }
        AccessEvent::RoleGranted { user_id, role } => {
            json!({ "change": "role_granted", "user_id": user_id, "role": role })
        }
        AccessEvent::CredentialChanged { user_id, .. } => {
            json!({ "change": "credential_changed", "user_id": user_id })
        }
        AccessEvent::UserErased { user_id } => {
            json!({ "change": "user_erased", "user_id": user_id })
        }
    };
    out.push("access.update", &payload);
}
