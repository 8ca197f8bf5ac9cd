//! The planner before its judge: a checker written from the rules' own words, naive on purpose,
//! that sees nothing but what the crate offers to everybody.
//!
//! Reading order: what is judged (dice, world, play, credit, criteria, composed, clocks), the rules
//! (air, items, law, apart, sequence, shape, breaks, placed, ids), who asks them all (checker), and
//! what is put before it.

mod dice;
mod world;
mod play;
mod credit;
mod criteria;
mod composed;
mod clocks;
mod air;
mod items;
mod law;
mod apart;
mod sequence;
mod shape;
mod breaks;
mod placed;
mod ids;
mod checker;
mod greedy;

mod worlds;
mod mixed;
mod mutations;
mod slot_mutations;
mod properties;
mod fill;
mod station;
mod every_slot;
mod golden;
mod air_day;
mod week;
