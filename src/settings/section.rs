//! The `section!` macro: one declaration per section gives the struct, its defaults, and its rows in the catalogue.
//!
//! A field reads `/// documentation`, `pub name: Type = default => Format;`. Its doc comment is the single text of the
//! setting: rustdoc, `config reference` and `docs/settings.md` all show it. A field without a format is a
//! section inside the section, and may have a default of its own.

/// Declares one section of the settings; see the module's text for the form of a field.
macro_rules! section {
    (
        $(#[$about:meta])+
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ pub $field:ident : $type:ty $(= $default:expr $(=> $format:expr)?)? ; )+
        }
    ) => {
        $(#[$about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::settings::section::section!(@default $($default)?), )+ }
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
}

pub(super) use section;
