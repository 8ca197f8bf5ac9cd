//! Given events, when a command, then events or a rejection: the one form of every rules test.

use crate::{Aggregate, Context};
use grimnir_events::UtcMicros;
use grimnir_events::air::AirFact;

/// An aggregate with a history.
pub struct Given<A: Aggregate> {
    /// Its fold.
    pub state: A::State,
    /// The instant the next command is decided at.
    pub now: UtcMicros,
}

/// What a command led to, and the state after it.
pub struct Answer<A: Aggregate> {
    /// Events or the rejection.
    pub result: Result<Vec<A::Event>, A::Rejection>,
    /// The aggregate after it.
    pub given: Given<A>,
}

/// An aggregate that lived through `events`.
pub fn given<A: Aggregate>(events: &[A::Event]) -> Given<A> {
    let mut state = A::State::default();
    for event in events {
        A::evolve(&mut state, event);
    }
    Given { state, now: UtcMicros(1_000_000_000) }
}

impl<A: Aggregate> Given<A> {
    /// At this instant.
    pub fn at(mut self, now: UtcMicros) -> Self {
        self.now = now;
        self
    }
    /// With these facts seen on air.
    pub fn witnessed(mut self, facts: &[AirFact]) -> Self {
        for fact in facts {
            A::witness(&mut self.state, fact);
        }
        self
    }
    /// Decides and folds.
    pub fn when(mut self, command: A::Command) -> Answer<A> {
        let context = Context { now: self.now, ..Context::default() };
        let result = A::decide(&self.state, &command, &context);
        if let Ok(events) = &result {
            for event in events {
                A::evolve(&mut self.state, event);
            }
        }
        Answer { result, given: self }
    }
}

impl<A: Aggregate> Answer<A> {
    /// Exactly these events followed.
    #[track_caller]
    pub fn then(self, expected: &[A::Event]) -> Given<A> {
        match self.result {
            Ok(found) => assert_eq!(found, expected),
            Err(rejection) => panic!("rejected: {rejection}; expected {expected:?}"),
        }
        self.given
    }
    /// Nothing followed, and nothing was refused.
    #[track_caller]
    pub fn then_nothing(self) -> Given<A> {
        self.then(&[])
    }
    /// It was refused with this code; answers the whole message.
    #[track_caller]
    pub fn rejected(self, code: &str) -> String {
        use crate::Reject;
        match self.result {
            Ok(events) => panic!("accepted with {events:?}; expected rejection {code}"),
            Err(rejection) => {
                assert_eq!(rejection.code(), code, "{rejection}");
                rejection.to_string()
            }
        }
    }
}
