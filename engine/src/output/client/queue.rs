//! The bounded queue between an encoder and a connection: what does not fit is dropped, the oldest
//! first, so that whoever takes it up again hears what is on air now.

use super::super::target::Encoded;
use bytes::Bytes;
use std::collections::VecDeque;

/// Air that a queue holds at most: 5 s.
pub const LIMIT_FRAMES: i64 = 5 * 48_000;

/// What is sent on.
#[derive(Clone, Debug)]
pub enum Piece {
    /// What a stream begins with.
    Head(Bytes),
    /// Sound of so many frames.
    Sound(Bytes, i64),
}

/// Pieces in order. Closed, it holds nothing but the head of the stream.
#[derive(Default)]
pub struct Queue {
    pieces: VecDeque<Piece>,
    frames: i64,
    head: Bytes,
    open: bool,
}

impl Queue {
    /// A stream begins.
    pub fn begin(&mut self, head: &Bytes) {
        self.head = head.clone();
        if self.open && !head.is_empty() {
            self.pieces.push_back(Piece::Head(head.clone()));
        }
    }

    /// Takes sound; answers the bytes that had to go for it.
    pub fn push(&mut self, sound: &Encoded) -> u64 {
        if !self.open {
            return 0;
        }
        let frames = sound.until.since(sound.from);
        self.frames += frames;
        self.pieces.push_back(Piece::Sound(sound.bytes.clone(), frames));
        let mut lost = 0;
        while self.frames > LIMIT_FRAMES {
            let oldest = self.pieces.iter().position(|piece| matches!(piece, Piece::Sound(..)));
            match oldest.and_then(|at| self.pieces.remove(at)) {
                Some(Piece::Sound(bytes, frames)) => {
                    self.frames -= frames;
                    lost += bytes.len() as u64;
                }
                _ => break,
            }
        }
        lost
    }

    /// A connection stands: it gets the head, then the sound from now on.
    pub fn open(&mut self) {
        self.close();
        self.open = true;
        if !self.head.is_empty() {
            self.pieces.push_back(Piece::Head(self.head.clone()));
        }
    }

    /// Nobody takes anything.
    pub fn close(&mut self) {
        self.open = false;
        self.pieces.clear();
        self.frames = 0;
    }

    /// The next piece.
    pub fn pop(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        if let Piece::Sound(_, frames) = &piece {
            self.frames -= frames;
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::AirFrame;

    fn sound(n: i64, frames: i64) -> Encoded {
        let from = AirFrame(n * frames);
        Encoded { bytes: Bytes::from(vec![n as u8; 10]), from, until: from.plus(frames) }
    }

    #[test]
    fn what_does_not_fit_goes_oldest_first_and_headers_stay() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(&sound(0, 48_000)), 0);
        assert!(queue.pop().is_none(), "nobody takes it");
        queue.begin(&Bytes::from_static(b"head"));
        queue.open();
        let lost: u64 = (1..=7).map(|n| queue.push(&sound(n, 48_000))).sum();
        assert_eq!(lost, 20);
        assert!(matches!(queue.pop(), Some(Piece::Head(head)) if head == "head"));
        let left: Vec<u8> = std::iter::from_fn(|| queue.pop())
            .map(|piece| match piece {
                Piece::Sound(bytes, _) => bytes[0],
                Piece::Head(_) => 0,
            })
            .collect();
        assert_eq!(left, [3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_new_connection_begins_with_the_head_and_now() {
        let mut queue = Queue::default();
        queue.open();
        queue.begin(&Bytes::from_static(b"one"));
        queue.push(&sound(1, 960));
        queue.open();
        queue.push(&sound(2, 960));
        assert!(matches!(queue.pop(), Some(Piece::Head(head)) if head == "one"));
        assert!(matches!(queue.pop(), Some(Piece::Sound(bytes, 960)) if bytes[0] == 2));
        assert!(queue.pop().is_none());
    }
}
