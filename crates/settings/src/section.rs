//! How a section is declared: once, with type, default, range and docs of every option.

/// What is known about one option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// The section's name, as in `limits`.
    pub section: &'static str,
    /// The option's name within it.
    pub name: &'static str,
    /// The lines of its docs.
    pub docs: &'static [&'static str],
    /// What may be written, in a few words.
    pub form: String,
    /// The default, as TOML.
    pub default: String,
    /// The least and the greatest value, where there is a range.
    pub range: Option<(&'static str, &'static str)>,
}

impl OptionInfo {
    /// Returns the whole key, as in `limits.append_bytes_max`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// Returns the environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("FACTEUR_{}__{}", self.section, self.name).to_uppercase()
    }
}

/// What is known about one section.
pub struct SectionInfo {
    pub name: &'static str,
    pub docs: &'static [&'static str],
    pub options: Vec<OptionInfo>,
}

/// Declares a section. A default is written as bare words, the way the environment would give it; a range as
/// `in "least" to "greatest"`.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident = $table:literal {
            $(
                $(#[doc = $docs:literal])*
                $field:ident: $kind:ty = $default:literal $(in $min:literal to $max:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $docs])* pub $field: $kind,)*
        }

        impl $name {
            pub(crate) fn info() -> crate::section::SectionInfo {
                crate::section::SectionInfo {
                    name: $table,
                    docs: &[$($about),*],
                    options: vec![$(
                        crate::section::OptionInfo {
                            section: $table,
                            name: stringify!($field),
                            docs: &[$($docs),*],
                            form: <$kind as crate::value::Value>::form(),
                            default: crate::value::Value::to_toml(&crate::reader::default::<$kind>($default)),
                            range: section!(@range $($min, $max)?),
                        }
                    ),*],
                }
            }

            pub(crate) fn read(reader: &mut crate::reader::Reader<'_>) -> Self {
                Self {
                    $($field: {
                        let key = concat!($table, ".", stringify!($field));
                        section!(@take reader, key, $kind, $default $(, $min, $max)?)
                    },)*
                }
            }
        }
    };
    (@range) => { None };
    (@range $min:literal, $max:literal) => { Some(($min, $max)) };
    (@take $reader:ident, $key:ident, $kind:ty, $default:literal) => {
        $reader.take::<$kind>($key, $default)
    };
    (@take $reader:ident, $key:ident, $kind:ty, $default:literal, $min:literal, $max:literal) => {
        $reader.take_within::<$kind>($key, $default, ($min, $max))
    };
}

pub(crate) use section;
