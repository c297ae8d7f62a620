//! Which build this is. Written by the package's build script.

/// The package's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from (12 hex digits), or `unknown`.
pub const REVISION: &str = env!("BUILD_REVISION");

/// Version of the compiler.
pub const RUSTC: &str = env!("BUILD_RUSTC");

/// Cargo profile: `debug`, `release`, `quick`.
pub const PROFILE: &str = env!("BUILD_PROFILE");
