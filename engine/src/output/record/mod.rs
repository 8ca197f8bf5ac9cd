//! Recording of everything that was on air, in files that turn with the hours of UTC; and of what
//! live sessions send.
//!
//! Reading order: `recorder` (which frames go into which file), `take` (one file as it is encoded),
//! `head`, `keeper` (the disk), `mend` (files that nobody closed), `rotate`,
//! `tidy` (what goes), `live`. Upstream: the
//! fan-out, and the pump of live inputs. A disk that stands still or is full loses the
//! recording and nothing else.

pub mod head;
pub mod take;
pub mod mend;
pub mod rotate;
pub mod tidy;
pub mod place;
pub mod keeper;
pub mod recorder;
pub mod target;
pub mod aired;
pub mod live;
