//! The ladder: five tiers of claims, exactly one owner of the air.

pub mod command;
