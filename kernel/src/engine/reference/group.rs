//! Groups of a type's methods, by the place in the source that declares them.

use super::docs::summary;
use super::item::{Function, Module};
use super::parse::Items;

/// Methods under one heading.
#[derive(Debug, PartialEq)]
pub(super) struct Group<'a> {
    pub(super) title: String,
    pub(super) methods: Vec<&'a Function>,
}

/// Groups methods by folder, or by file if all are in one folder, in the order in which the crate
/// declares them. A group has the title that its folder's or file's docs begin with.
pub(super) fn group<'a>(methods: &'a [Function], items: &Items) -> Vec<Group<'a>> {
    let mut folders: Vec<&str> = methods.iter().map(|method| folder(&method.file)).collect();
    folders.dedup();
    let by_file = folders.iter().all(|folder| *folder == folders[0]);
    let place = |method: &'a Function| {
        if by_file {
            method.file.trim_end_matches(".rs")
        } else {
            folder(&method.file)
        }
    };
    let mut groups: Vec<(&str, Group)> = Vec::new();
    for method in methods {
        let place = place(method);
        match groups.iter_mut().find(|(found, _)| *found == place) {
            Some((_, group)) => group.methods.push(method),
            None => {
                let title = title(place, items);
                let methods = vec![method];
                groups.push((place, Group { title, methods }));
            }
        }
    }
    groups.sort_by_key(|(place, _)| items.ranks.get(last_name(place)));
    groups.into_iter().map(|(_, group)| group).collect()
}

fn last_name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}

fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn title(place: &str, items: &Items) -> String {
    let docs = items
        .modules
        .get(last_name(place))
        .map(|module: &Module| &*module.docs);
    let sentence = summary(docs.unwrap_or_default());
    let title = sentence.split(':').next().unwrap_or_default();
    let title = title.split(", each").next().unwrap_or_default();
    match title.trim_end_matches('.') {
        "" => "Methods".into(),
        title => title.replace('`', ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_grouped_by_folder_or_by_file() {
        let mut items = Items::default();
        let method = |name: &str| format!("impl A {{ pub fn {name}(&self) {{}} }}");
        items.add_file("model/mod.rs", "//! Models: the thing.");
        items.add_file("model/a.rs", &method("one"));
        items.add_file(
            "model/b.rs",
            &(String::from("//! Parts.\n") + &method("two")),
        );
        items.add_file("look/mod.rs", "//! Views of a model.");
        let titles = |items: &Items| -> Vec<(String, usize)> {
            let groups = group(&items.types["A"].methods, items);
            let titles = groups.into_iter();
            titles
                .map(|group| (group.title, group.methods.len()))
                .collect()
        };
        let expected = [("Methods".into(), 1), ("Parts".into(), 1)];
        assert_eq!(titles(&items), expected);
        items.add_file("look/a.rs", &method("three"));
        items.add_file("lib.rs", "mod model;\nmod look;");
        let expected = [("Models".into(), 2), ("Views of a model".into(), 1)];
        assert_eq!(titles(&items), expected);
    }
}
