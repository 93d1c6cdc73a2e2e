//! Folder names of training, test and validation sets, as people and archives write them.

/// The use of a folder's images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SplitKind {
    Train,
    Test,
    Validation,
}

/// A folder name with a word for a split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SplitName {
    pub(crate) kind: SplitKind,
    /// False for words that may as well name a class, such as `valid`.
    pub(crate) certain: bool,
    /// The other words, without those for images and without numbers: empty for `train2017`,
    /// `seg` for `seg_train`.
    pub(crate) rest: Vec<String>,
}

const WORDS: [(&str, SplitKind, bool); 11] = [
    ("train", SplitKind::Train, true),
    ("training", SplitKind::Train, true),
    ("test", SplitKind::Test, true),
    ("testing", SplitKind::Test, true),
    ("holdout", SplitKind::Test, false),
    ("eval", SplitKind::Test, false),
    ("evaluation", SplitKind::Test, false),
    ("val", SplitKind::Validation, true),
    ("validation", SplitKind::Validation, true),
    ("valid", SplitKind::Validation, false),
    ("dev", SplitKind::Validation, false),
];
/// Words that do not tell one folder from another.
const FILLERS: [&str; 11] = [
    "set", "data", "dataset", "split", "folder", "image", "images", "img", "imgs", "photos", "lmdb",
];

impl SplitName {
    /// The split that a name means: one word for it, in any case. `None` for other names.
    pub(crate) fn of(name: &str) -> Option<SplitName> {
        let name = name.to_lowercase();
        let mut split = None;
        let mut rest = Vec::new();
        for word in words(&name) {
            let found = WORDS.iter().find(|(known, ..)| is_word(word, known));
            match found {
                Some(_) if split.is_some() => return None,
                Some(&(_, kind, certain)) => split = Some((kind, certain)),
                None if is_filler(word) => {}
                None => rest.push(word.to_owned()),
            }
        }
        let (kind, certain) = split?;
        Some(SplitName {
            kind,
            certain,
            rest,
        })
    }
}

/// The runs of letters and of digits in a name.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let apart = name.split(|c: char| !c.is_alphanumeric());
    apart
        .flat_map(|part| part.split_inclusive(|c: char| c.is_numeric()))
        .flat_map(|part| {
            let letters = part.trim_end_matches(char::is_numeric);
            [letters, &part[letters.len()..]]
        })
        .filter(|word| !word.is_empty())
}

/// True for the word and for compounds such as `trainset`.
fn is_word(word: &str, known: &str) -> bool {
    word.strip_prefix(known)
        .is_some_and(|end| end.is_empty() || FILLERS.contains(&end))
}

fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word) || word.chars().all(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SplitKind::{Test, Train, Validation};

    #[test]
    fn usual_forms_mean_a_split_in_any_case() {
        for (name, kind) in [
            ("train", Train),
            ("Training", Train),
            ("TRAIN", Train),
            ("training_set", Train),
            ("TrainSet", Train),
            ("train2017", Train),
            ("test", Test),
            ("Testing", Test),
            ("test1", Test),
            ("Test Images", Test),
            ("eval", Test),
            ("holdout", Test),
            ("Validation", Validation),
            ("val", Validation),
            ("valid", Validation),
            ("dev", Validation),
        ] {
            let found = SplitName::of(name).unwrap();
            assert_eq!((found.kind, found.rest.len()), (kind, 0), "{name}");
        }
        assert!(!SplitName::of("valid").unwrap().certain);
        assert!(SplitName::of("Test").unwrap().certain);
    }

    #[test]
    fn other_words_are_kept_and_other_names_are_none() {
        for (name, rest) in [
            ("seg_train", &["seg"][..]),
            ("ILSVRC2012_img_val", &["ilsvrc"]),
            ("test tube", &["tube"]),
        ] {
            assert_eq!(SplitName::of(name).unwrap().rest, rest, "{name}");
        }
        for name in [
            "cats",
            "trains",
            "contest",
            "latest",
            "train_test",
            "",
            "2017",
            "images",
        ] {
            assert_eq!(SplitName::of(name), None, "{name}");
        }
    }
}
