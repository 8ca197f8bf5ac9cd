//! Values that copies of a state have in common until one of them changes its own.
//!
//! A state is copied whenever somebody looks at it while the next event comes. Of a large library
//! that copy is made of references.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// One of them; it is written and read as the value itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Common<T>(Arc<T>);

impl<T> Common<T> {
    /// Nobody else has it yet.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Clone> Common<T> {
    /// The value, out of what is no longer needed.
    pub fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> Deref for Common<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Common<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Serialize> Serialize for Common<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Common<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_value_in_common_until_one_changes_its_own() {
        let first = Common::new(vec![1]);
        let mut second = first.clone();
        assert!(std::ptr::eq(&*first, &*second), "a copy took room");
        second.push(2);
        assert_eq!((&*first, &*second), (&vec![1], &vec![1, 2]));
        let at = std::ptr::from_ref(&*second);
        second.push(3);
        assert_eq!(at, std::ptr::from_ref(&*second), "nobody else had it");
    }
}
