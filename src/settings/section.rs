//! The `section!` macro: one declaration per section gives the struct, its defaults, and its rows in the catalogue.
//!
//! A field reads `/// documentation`, `pub name: Type = default => Format;`. Its doc comment is the single text of the
//! setting: rustdoc, `config reference` and `docs/settings.md` all show it. A field without a format is a section
//! inside the section, and may have a default of its own.

use figment::value::Value;

use super::format::{Format, Wrong};
use super::shown::Shown;

/// A part of the settings that shows each of its settings to a visitor, in the order of declaration.
pub(super) trait Section {
    /// Visits every setting; `key` is the dotted key of this section, empty at the root.
    fn visit(&mut self, key: &str, visitor: &mut dyn Visitor);
}

/// What [`Section::visit`] calls.
pub(super) trait Visitor {
    /// A section begins; `about` are the lines of its documentation.
    fn section(&mut self, _key: &str, _about: &[&str]) {}
    /// One setting.
    fn setting(&mut self, key: &str, about: &[&str], slot: &mut dyn Slot);
}

/// One setting of one [`Settings`](super::Settings), whatever its type.
pub(super) trait Slot {
    /// Takes a value; the old one stays when it is wrong.
    fn read(&mut self, value: &Value) -> Result<(), Wrong>;
    /// The present value, secrets masked.
    fn show(&self) -> Shown;
    /// What a right value looks like, for people.
    fn right(&self) -> String;
    /// Whether the value must never be printed, and may come from a file of its own.
    fn is_secret(&self) -> bool;
}

/// A place in a struct, and the format that its values have outside.
pub(super) struct Place<'a, T, F> {
    pub(super) place: &'a mut T,
    pub(super) format: F,
}

impl<T, F: Format<T>> Slot for Place<'_, T, F> {
    fn read(&mut self, value: &Value) -> Result<(), Wrong> {
        *self.place = self.format.read(value)?;
        Ok(())
    }

    fn show(&self) -> Shown {
        self.format.show(self.place)
    }

    fn right(&self) -> String {
        self.format.right()
    }

    fn is_secret(&self) -> bool {
        self.format.is_secret()
    }
}

/// The key of `field` inside the section `section`.
pub(super) fn join(section: &str, field: &str) -> String {
    if section.is_empty() {
        field.to_owned()
    } else {
        format!("{section}.{field}")
    }
}

/// Declares one section of the settings; see the module's text for the form of a field.
macro_rules! section {
    (
        $(#[$about:meta])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                pub $field:ident : $type:ty $(= $default:expr $(=> $format:expr)?)? ;
            )+
        }
    ) => {
        $(#[$about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: $crate::settings::section::section!(@default $($default)?), )+
                }
            }
        }

        impl $crate::settings::section::Section for $name {
            fn visit(&mut self, key: &str, visitor: &mut dyn $crate::settings::section::Visitor) {
                $(
                    let field_key = $crate::settings::section::join(key, stringify!($field));
                    $crate::settings::section::section!(
                        @visit visitor, field_key, &[$($doc),+], self.$field $(, $($format)?)?
                    );
                )+
            }
        }
    };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    (@visit $visitor:ident, $key:ident, $about:expr, $place:expr, $format:expr) => {
        $visitor.setting(
            &$key,
            $about,
            &mut $crate::settings::section::Place { place: &mut $place, format: $format },
        );
    };
    (@visit $visitor:ident, $key:ident, $about:expr, $place:expr $(,)?) => {
        $visitor.section(&$key, $about);
        $crate::settings::section::Section::visit(&mut $place, &$key, $visitor);
    };
}

pub(super) use section;
