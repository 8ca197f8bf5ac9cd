//! A token bucket per address, in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses remembered at most; ≈ 64 bytes each, so below 1 MiB.
const MAX_ADDRESSES: usize = 10_000;

/// Token buckets by address.
#[derive(Debug)]
pub struct Buckets {
    burst: u32,
    refill: Duration,
    by_address: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Buckets of `burst` tokens; one comes back every `refill`.
    pub fn new(burst: u32, refill: Duration) -> Self {
        Self { burst, refill, by_address: Mutex::default() }
    }

    /// Takes a token of `address`, or says how long until there is one.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < f64::from(self.burst));
            if buckets.len() >= MAX_ADDRESSES {
                return Err(self.refill);
            }
        }
        let full = Bucket { tokens: f64::from(self.burst), at: now };
        let bucket = buckets.entry(address).or_insert(full);
        let tokens = self.filled(*bucket, now);
        if tokens < 1.0 {
            *bucket = Bucket { tokens, at: now };
            return Err(self.refill.mul_f64(1.0 - tokens));
        }
        *bucket = Bucket { tokens: tokens - 1.0, at: now };
        Ok(())
    }

    /// Gives a token back: what was asked for was in order.
    pub fn give_back(&self, address: IpAddr) {
        let mut buckets = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&address) {
            bucket.tokens = (bucket.tokens + 1.0).min(f64::from(self.burst));
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        let refilled = since / self.refill.as_secs_f64().max(1e-9);
        (bucket.tokens + refilled).min(f64::from(self.burst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFILL: Duration = Duration::from_secs(3);

    #[test]
    fn attempts_beyond_the_burst_wait_for_a_token() {
        let buckets = Buckets::new(2, REFILL);
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let now = Instant::now();
        assert_eq!(buckets.take(one, now), Ok(()));
        assert_eq!(buckets.take(one, now), Ok(()));
        assert_eq!(buckets.take(one, now), Err(REFILL));
        assert_eq!(buckets.take(other, now), Ok(()), "another address has its own bucket");
        assert_eq!(buckets.take(one, now + REFILL), Ok(()));
        assert!(buckets.take(one, now + REFILL).is_err());
    }

    #[test]
    fn a_token_given_back_can_be_taken_again() {
        let buckets = Buckets::new(1, REFILL);
        let (address, now) = (IpAddr::from([127, 0, 0, 1]), Instant::now());
        for _ in 0..10 {
            assert_eq!(buckets.take(address, now), Ok(()));
            buckets.give_back(address);
        }
    }

    #[test]
    fn memory_is_bounded_and_full_buckets_make_room() {
        let buckets = Buckets::new(1, REFILL);
        let now = Instant::now();
        for n in 0..MAX_ADDRESSES as u32 {
            assert_eq!(buckets.take(IpAddr::from(n.to_be_bytes()), now), Ok(()));
        }
        let late = IpAddr::from([255, 0, 0, 1]);
        assert!(buckets.take(late, now).is_err());
        assert_eq!(buckets.take(late, now + REFILL), Ok(()));
    }
}
