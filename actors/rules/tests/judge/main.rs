//! The planner before its judge: a checker written from the rules' own words, naive on purpose,
//! that sees nothing but what the crate offers to everybody.
//!
//! Reading order: what is judged (dice, world, play, credit, criteria, clocks), the rules (air,
//! items, law, apart, sequence, shape), who asks them all (checker), and what is put before it.

mod dice;
mod world;
mod play;
mod credit;
mod criteria;
mod clocks;
mod air;
mod items;
mod law;
mod apart;
mod sequence;
mod shape;
mod checker;
mod greedy;

mod worlds;
mod mutations;
mod properties;
mod fill;
mod station;
mod golden;
mod air_day;
mod week;
