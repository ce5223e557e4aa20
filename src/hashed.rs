//! Tables by hash, seeded against hostile keys, with a hash that costs little: the standard library's withstands
//! more, and takes a tenth of the time of a capture of many services.

use foldhash::fast::RandomState;
use std::collections;

/// A table.
pub(crate) type HashMap<K, V> = collections::HashMap<K, V, RandomState>;
/// A set.
pub(crate) type HashSet<T> = collections::HashSet<T, RandomState>;
