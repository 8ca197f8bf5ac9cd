//! What is at hand of a live claim: a play of one connection.

use super::Raised;

impl Raised {
    /// The play that is at hand, and the connection it is of.
    pub fn live_deck(&self) -> Option<(u64, u64)> {
        self.deck.map(|(voice, _)| (voice, self.live_key))
    }

    /// It is of no use any more.
    pub fn take_deck(&mut self) {
        self.deck = None;
    }

    /// A play is at hand.
    pub fn set_live_deck(&mut self, voice: u64, key: u64) {
        (self.deck, self.live_key) = (Some((voice, 0)), key);
    }
}
