//! Seats for those who have not said yet who they are: few in all, and fewer for one address, so
//! that nobody who only holds connections open keeps others out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at once that are not signed in.
const SEATS: usize = 64;
/// Of these, for one address.
pub const OF_ADDRESS: usize = 8;

/// All of them.
#[derive(Clone, Default)]
pub struct Seats(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One that is taken; it is free again once this goes.
pub struct Seat {
    seats: Seats,
    address: IpAddr,
}

impl Seats {
    /// A seat for somebody at this address, where there is one.
    pub fn take(&self, address: IpAddr) -> Option<Seat> {
        let address = network_of(address);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = taken.get(&address).copied().unwrap_or(0);
        if here >= OF_ADDRESS || taken.values().sum::<usize>() >= SEATS {
            return None;
        }
        taken.insert(address, here + 1);
        Some(Seat { seats: self.clone(), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(here) = taken.get_mut(&self.address) else { return };
        *here -= 1;
        if *here == 0 {
            taken.remove(&self.address);
        }
    }
}

/// Of IPv6, whoever has an address has all of its /64.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_all_of_them_no_more_than_there_is() {
        let (seats, at) = (Seats::default(), |n: u8| IpAddr::from([192, 0, 2, n]));
        let of = |n| -> Vec<Seat> { std::iter::from_fn(|| seats.take(at(n))).collect() };
        let mut all: Vec<Vec<Seat>> = (0..8).map(of).collect();
        assert!(all.iter().all(|of| of.len() == OF_ADDRESS));
        assert!(seats.take(at(9)).is_none(), "all are taken");
        all[3].pop();
        assert!(seats.take(at(4)).is_none(), "it has its share");
        let free = seats.take(at(9));
        assert!(free.is_some() && seats.take(at(3)).is_none());
        drop((all, free));
        assert!(seats.0.lock().expect("is whole").is_empty());
    }

    #[test]
    fn an_address_of_ipv6_is_its_network_and_one_of_ipv4_within_it_is_itself() {
        let of = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
