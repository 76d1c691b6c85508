//! Files of the product import each other in one direction only.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::tidy::source::File;

/// A file, named by the path of its module below the crate.
type Module = Vec<String>;

/// The circles among the imports of `files`, each as the modules in it.
///
/// An import counts where the thing is defined, not where it is exported again. What a file takes from the modules above
/// it is no circle: a child may use what its own `mod.rs` defines.
pub(super) fn circles(files: &[File]) -> Vec<String> {
    let mut known: BTreeMap<Module, Names> = BTreeMap::new();
    for file in files {
        known.insert(module(&file.path), Names::of(file));
    }
    let imports: BTreeMap<&Module, BTreeSet<&Module>> = known
        .iter()
        .map(|(from, names)| {
            let used = names.used.iter();
            let used = used.filter_map(|path| defined(&known, from, path));
            let used = used.filter(|to| !from.starts_with(to));
            (from, used.collect())
        })
        .collect();
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|from| (*from, reach(&imports, from)))
        .collect();
    let mut found = BTreeSet::new();
    for (from, there) in &reached {
        let circle = there.iter().filter(|to| reached[**to].contains(from));
        let circle: Vec<_> = circle.map(|module| module.join("::")).collect();
        if circle.len() > 1 {
            found.insert(circle.join(" > "));
        }
    }
    found.into_iter().collect()
}

/// Everything that `from` imports, and what that imports, and so on.
fn reach<'a>(
    imports: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
    from: &'a Module,
) -> BTreeSet<&'a Module> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for to in &imports[next] {
            if seen.insert(*to) {
                open.push(to);
            }
        }
    }
    seen
}

/// The path of the module in the file at `path`.
fn module(path: &str) -> Module {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

/// The file that defines what `path` names in `from`, if it is one of the product's.
fn defined<'a>(
    known: &'a BTreeMap<Module, Names>,
    from: &Module,
    path: &[String],
) -> Option<&'a Module> {
    let path = absolute(from, path)?;
    let longest = (0..=path.len()).rev();
    let (at, _) = longest
        .filter_map(|length| known.get_key_value(&path[..length]))
        .next()?;
    let exported = path
        .get(at.len())
        .and_then(|name| known[at].exported.get(name));
    match exported {
        Some(origin) => defined(known, at, origin),
        None => Some(at),
    }
}

/// `path` from the root of the crate; `None` if it leads out of it.
fn absolute(from: &Module, path: &[String]) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([from.as_slice(), rest].concat()),
        "super" => absolute(
            &from.split_last()?.1.to_vec(),
            &[&["self".to_owned()], rest].concat(),
        ),
        _ => None,
    }
}

/// The names that a file uses from others, and those that it passes on.
#[derive(Default)]
struct Names {
    used: BTreeSet<Vec<String>>,
    exported: BTreeMap<String, Vec<String>>,
    /// The modules below it, whose names may stand first in a path.
    children: BTreeSet<String>,
}

impl Names {
    fn of(file: &File) -> Self {
        let syntax = syn::parse_file(&file.text).expect("Rust");
        let mut names = Self::default();
        for item in &syntax.items {
            if let syn::Item::Mod(module) = item {
                names.children.insert(module.ident.to_string());
            }
        }
        names.visit_file(&syntax);
        names
    }

    /// A path as it is written, with `self` in front if it begins with a module below this one.
    fn rooted(&self, path: Vec<String>) -> Vec<String> {
        match path.first() {
            Some(first) if self.children.contains(first) => {
                [vec!["self".to_owned()], path].concat()
            }
            _ => path,
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String], exports: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident), exports),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, before, exports);
                }
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.name(before.to_vec(), exports, None);
            }
            syn::UseTree::Name(name) => self.name(with(&name.ident), exports, Some(&name.ident)),
            syn::UseTree::Rename(name) => self.name(with(&name.ident), exports, Some(&name.rename)),
            syn::UseTree::Glob(_) => self.name(before.to_vec(), exports, None),
        }
    }

    fn name(&mut self, path: Vec<String>, exports: bool, called: Option<&syn::Ident>) {
        let path = self.rooted(path);
        match called {
            Some(called) if exports => {
                self.exported.insert(called.to_string(), path);
            }
            _ => {
                self.used.insert(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        // Unit tests may bring together what the product keeps apart.
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let exports = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&item.tree, &[], exports);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        let segments: Vec<_> = segments.collect();
        if matches!(segments[0].as_str(), "crate" | "self" | "super") && segments.len() > 1 {
            self.used.insert(segments);
        }
        visit::visit_path(self, path);
    }
}

#[test]
fn a_circle_is_found_also_through_a_name_that_is_passed_on() {
    let files = [
        ("src/lib.rs", "mod a;\nmod b;\n"),
        (
            "src/a/mod.rs",
            "mod one;\npub(crate) use one::One;\npub(crate) struct Own;\n",
        ),
        (
            "src/a/one.rs",
            "use crate::a::Own;\nuse crate::b::Two;\npub(crate) struct One(Own, Two);\n",
        ),
        (
            "src/b.rs",
            "pub(crate) fn f(_: crate::a::One) {}\npub(crate) struct Two;\n",
        ),
    ];
    let files = files.map(|(path, text)| File::new(path, text));

    assert_eq!(circles(&files), ["a::one > b"]);
    assert!(circles(&files[..3]).is_empty());
}
