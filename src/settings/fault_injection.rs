//! Settings of fault injection (the `[faults]` section). Not to be confused with faults of a configuration.

use super::format::Flag;
use super::section::section;

section! {
    /// Fault injection for drills and demos. Without effect in this version.
    pub struct FaultsSettings {
        /// Let the admin listener inject faults (latency, errors, slow database and more), each for 15 minutes at most.
        /// While false, `/faults` answers 404 and nothing can be injected.
        pub enabled: bool = false => Flag;
    }
}
