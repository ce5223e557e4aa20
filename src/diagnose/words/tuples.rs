//! Five-tuples in sentences.

use crate::correlate::Tuple;

/// `client:port > server:port`.
#[must_use]
pub fn arrow(tuple: &Tuple) -> String {
    format!(
        "{} > {}",
        tuple.client.0.with_port(tuple.client.1),
        tuple.server.0.with_port(tuple.server.1)
    )
}

/// The same, for an answer.
#[must_use]
pub fn arrow_back(tuple: &Tuple) -> String {
    arrow(&Tuple { client: tuple.server, server: tuple.client })
}
