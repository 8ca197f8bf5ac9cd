//! An allocator that counts, for tests of what takes memory: calls, and bytes that are held, of
//! the thread that asks.
#![allow(unsafe_code, reason = "a counting allocator can only be written so")]
#![allow(dead_code, reason = "each test program uses its own part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: i64) {
    CALLS.with(|calls| calls.set(calls.get() + 1));
    HELD.with(|held| held.set(held.get() + bytes));
}

/// Calls of this thread so far, to take memory and to free it.
pub fn calls() -> u64 {
    CALLS.with(Cell::get)
}

/// Bytes that this thread took and did not free.
pub fn held() -> i64 {
    HELD.with(Cell::get)
}
