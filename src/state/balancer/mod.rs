//! What translates: IPVS' tables and conntrack's, and keepalived.conf.

pub(super) mod conntrack;
pub(super) mod ipvs_connections;
pub(super) mod ipvs_info;
pub(super) mod ipvs_rules;
pub(super) mod ipvs_table;
pub(super) mod keepalived;
