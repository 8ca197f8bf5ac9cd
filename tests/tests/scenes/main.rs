//! Scenes over the real programs, judged on decoded audio at the listener's end.
