//! `facteur config`.

use settings::{Effective, Settings};

use crate::arguments::{ConfigCommand, Format, SettingsArguments};
use crate::exit::Failure;
use crate::{commands, output};

/// Checks, shows or documents settings.
///
/// # Errors
/// What is wrong with them.
pub fn run(arguments: &SettingsArguments, command: &ConfigCommand) -> Result<(), Failure> {
    let text = match command {
        ConfigCommand::Sample => settings::sample(),
        ConfigCommand::Reference => settings::reference(),
        ConfigCommand::Check => {
            let settings = commands::load(arguments, None)?;
            crate::options::check(&settings)?;
            "settings are valid\n".to_owned()
        }
        ConfigCommand::Show { output } => {
            let settings = commands::load(arguments, None)?;
            shown(&settings, *output)
        }
    };
    output::say(&text)
}

fn shown(settings: &Settings, format: Format) -> String {
    let options = settings.effective();
    match format {
        Format::Table => options.iter().map(|option| format!("{option}\n")).collect(),
        Format::Json => {
            let options: Vec<_> = options.iter().map(as_json).collect();
            format!("{:#}\n", serde_json::Value::Array(options))
        }
    }
}

/// The value stays in TOML, where durations and sizes keep their units.
fn as_json(option: &Effective) -> serde_json::Value {
    serde_json::json!({
        "key": option.key,
        "value": option.value,
        "origin": option.origin.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use settings::{Override, Sources};

    use super::*;

    fn settings() -> Settings {
        let sources = Sources {
            overrides: vec![Override::new("log.level", "debug", "--set")],
            ..Sources::default()
        };
        Settings::from_sources(&sources).expect("valid")
    }

    #[test]
    fn every_option_is_shown_with_its_origin() {
        let text = shown(&settings(), Format::Table);
        assert!(
            text.contains("log.level = \"debug\"  # argument --set\n"),
            "{text}"
        );
        assert!(text.contains("storage.groups = 16  # default\n"), "{text}");
    }

    #[test]
    fn programs_get_json() {
        let text = shown(&settings(), Format::Json);
        let options: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let level = options
            .as_array()
            .expect("a list")
            .iter()
            .find(|option| option["key"] == "log.level");
        assert_eq!(level.expect("the option")["origin"], "argument --set");
    }
}
