//! The repository as the rules see it: the text of every file that is or will be tracked, and the packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run;
use crate::tidy::source::Source;

/// Finds the root of the work tree.
pub fn root() -> Result<PathBuf> {
    let manifest_directory = std::env::var("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
    let root = Path::new(&manifest_directory)
        .parent()
        .context("xtask lies in the work tree")?;
    Ok(root.to_owned())
}

/// Every text file of the repository and what the manifests say.
#[derive(Debug, Default)]
pub struct Repo {
    pub files: Vec<File>,
    pub packages: Vec<Package>,
}

/// One text file; `path` is relative to the root, with slashes.
#[derive(Debug)]
pub struct File {
    pub path: String,
    pub text: String,
    /// Present for `.rs` files.
    pub source: Option<Source>,
    /// The whole file is test code: it lies in a test crate or a `tests` folder, or is a test module.
    pub is_test: bool,
}

/// One package of the workspace, as its manifest says.
#[derive(Debug, Default, Clone)]
pub struct Package {
    pub name: String,
    /// Folder relative to the root.
    pub folder: String,
    pub dependencies: Vec<String>,
    pub dev_dependencies: Vec<String>,
    pub build_dependencies: Vec<String>,
    pub inherits_lints: bool,
}

/// Packages that never ship; all their code counts as test code.
pub const TEST_PACKAGES: &[&str] = &[
    "testkit",
    "simulation",
    "history",
    "cluster-tests",
    "load",
    "xtask",
    "fuzz",
];

impl Repo {
    /// Reads the files that git tracks or would add.
    pub fn read(root: &Path) -> Result<Self> {
        let listing = run::output(
            root,
            "git",
            &["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        )?;
        let mut files = BTreeMap::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            // Binary files and files deleted but not yet committed are nothing to look at.
            if let Ok(text) = std::fs::read_to_string(root.join(path)) {
                files.insert(path.to_owned(), text);
            }
        }
        Self::from_files(files)
    }

    /// Builds the repository from paths and texts.
    pub fn from_files(texts: BTreeMap<String, String>) -> Result<Self> {
        let mut packages = Vec::new();
        for (path, text) in &texts {
            if let Some(folder) = path.strip_suffix("/Cargo.toml") {
                packages.extend(package(folder, text).with_context(|| format!("reading {path}"))?);
            }
        }
        let mut files: Vec<File> = texts.into_iter().map(|(path, text)| file(path, text)).collect();
        let test_roots = test_module_roots(&files);
        for file in &mut files {
            let owner = owner(&packages, &file.path);
            file.is_test = owner.is_some_and(|package| TEST_PACKAGES.contains(&package.name.as_str()))
                || file.path.contains("/tests/")
                || file.path.contains("/benches/")
                || test_roots.iter().any(|root| file.path.starts_with(root));
        }
        Ok(Self { files, packages })
    }

    /// Returns the package that a file belongs to.
    pub fn owner(&self, path: &str) -> Option<&Package> {
        owner(&self.packages, path)
    }

    /// Returns each Rust file of the packages under `crates/`, with its package.
    pub fn product_sources(&self) -> impl Iterator<Item = (&File, &Source, &Package)> {
        self.files
            .iter()
            .filter(|file| file.path.starts_with("crates/"))
            .filter_map(|file| {
                let package = self.owner(&file.path)?;
                Some((file, file.source.as_ref()?, package))
            })
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    /// Says whether a line is test code.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.is_test
            || self
                .source
                .as_ref()
                .is_some_and(|source| source.is_test_line(line))
    }
}

fn file(path: String, text: String) -> File {
    let source = path.ends_with(".rs").then(|| Source::parse(&text));
    File {
        path,
        text,
        source,
        is_test: false,
    }
}

/// Prefixes of the paths of files that hold `#[cfg(test)] mod name;`.
fn test_module_roots(files: &[File]) -> Vec<String> {
    let mut roots = Vec::new();
    for file in files {
        let Some(source) = &file.source else { continue };
        let Some((folder, name)) = file.path.rsplit_once('/') else {
            continue;
        };
        let stem = name.trim_end_matches(".rs");
        let children = match stem {
            "lib" | "main" | "mod" => folder.to_owned(),
            _ => format!("{folder}/{stem}"),
        };
        for module in &source.test_modules {
            roots.push(format!("{children}/{module}.rs"));
            roots.push(format!("{children}/{module}/"));
        }
    }
    roots
}

fn owner<'a>(packages: &'a [Package], path: &str) -> Option<&'a Package> {
    packages.iter().find(|package| {
        path.strip_prefix(&package.folder)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Reads one manifest; a manifest without a package (the workspace's) is none.
fn package(folder: &str, text: &str) -> Result<Option<Package>> {
    let manifest: toml::Table = text.parse()?;
    let Some(name) = manifest.get("package").and_then(|package| package.get("name")) else {
        return Ok(None);
    };
    let inherits_lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    Ok(Some(Package {
        name: name.as_str().unwrap_or_default().to_owned(),
        folder: folder.to_owned(),
        dependencies: dependency_names(&manifest, "dependencies"),
        dev_dependencies: dependency_names(&manifest, "dev-dependencies"),
        build_dependencies: dependency_names(&manifest, "build-dependencies"),
        inherits_lints: inherits_lints.and_then(toml::Value::as_bool) == Some(true),
    }))
}

/// Names of a dependency table, the `[target.*]` ones included; a renamed dependency counts by its real name.
fn dependency_names(manifest: &toml::Table, table: &str) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let per_target = targets
        .into_iter()
        .flat_map(|targets| targets.values())
        .filter_map(|target| target.get(table));
    let tables = manifest
        .get(table)
        .into_iter()
        .chain(per_target)
        .filter_map(toml::Value::as_table);
    let real_name = |(key, value): (&String, &toml::Value)| {
        value
            .get("package")
            .and_then(toml::Value::as_str)
            .unwrap_or(key)
            .to_owned()
    };
    tables.flat_map(|table| table.iter().map(real_name)).collect()
}

/// Builds a repository in memory for the tests of the rules.
#[cfg(test)]
pub fn fake(files: &[(&str, &str)]) -> Repo {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    Repo::from_files(files).expect("invariant: the test's manifests are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read() {
        let repo = fake(&[(
            "crates/a/Cargo.toml",
            "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\nb.workspace = true\n\
             c = { package = \"d\", version = \"1\" }\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n\
             [dev-dependencies]\nf = \"1\"\n",
        )]);
        let package = &repo.packages[0];
        assert_eq!(package.dependencies, ["b", "d", "e"]);
        assert_eq!(package.dev_dependencies, ["f"]);
        assert!(package.inherits_lints);
    }

    #[test]
    fn test_files_are_told_from_product_files() {
        let manifest = "[package]\nname = \"a\"\n";
        let repo = fake(&[
            ("crates/a/Cargo.toml", manifest),
            ("crates/a/src/lib.rs", "mod b;\n#[cfg(test)]\nmod tests;"),
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod cases;"),
            ("crates/a/src/b/cases.rs", ""),
            ("crates/a/src/tests.rs", ""),
            ("crates/a/src/tests/more.rs", ""),
            ("crates/a/tests/whole.rs", ""),
            ("crates/testkit/Cargo.toml", "[package]\nname = \"testkit\"\n"),
            ("crates/testkit/src/lib.rs", ""),
        ]);
        let tests: Vec<&str> = repo
            .files
            .iter()
            .filter(|file| file.is_test)
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/b/cases.rs",
                "crates/a/src/tests.rs",
                "crates/a/src/tests/more.rs",
                "crates/a/tests/whole.rs",
                "crates/testkit/Cargo.toml",
                "crates/testkit/src/lib.rs",
            ]
        );
    }
}
