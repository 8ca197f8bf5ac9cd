//! The read models as a whole: folds, feed, snapshot.

mod feed;
mod fold;
mod history;
mod rows;
mod snapshot;
