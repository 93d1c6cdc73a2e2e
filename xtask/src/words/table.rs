//! The tables: phrases and names that the project does not use, with the field's term for each.
//!
//! To add one, write a line; `cargo xtask words PATH` lists the findings.

/// A phrase that paraphrases a term of the field.
pub(crate) struct Phrase {
    /// A regular expression of whole words; a space stands for any white space, letters for both cases.
    pub(crate) pattern: &'static str,
    /// Words of which none may follow: with them the phrase is ordinary English.
    pub(crate) unless: &'static [&'static str],
    /// The replacement.
    pub(crate) say: &'static str,
}

const fn phrase(pattern: &'static str, say: &'static str) -> Phrase {
    Phrase {
        pattern,
        unless: &[],
        say,
    }
}

const fn unless(
    unless: &'static [&'static str],
    pattern: &'static str,
    say: &'static str,
) -> Phrase {
    Phrase {
        pattern,
        unless,
        say,
    }
}

/// Words that begin the object of a question ("is there a GPU?").
const QUESTION: &[&str] = &[
    "a",
    "an",
    "any",
    "anything",
    "more",
    "no",
    "nothing",
    "one",
    "some",
    "something",
];

pub(crate) const PHRASES: &[Phrase] = &[
    phrase("(is|are|was|were|as) no numbers?", "NaN"),
    phrase(
        "(number|value|file|one)s? that (is|are) none",
        "NaN, or `is not one`",
    ),
    phrase(
        "what (goes|go|went|comes|come|came) (in|into|out)",
        "input, output",
    ),
    phrase(
        "that (goes|go|went|comes|come|came) (in|out)",
        "input, output",
    ),
    phrase("(comes|come|came) out of", "output of"),
    unless(
        &["for"],
        "(stand|stands|stood) (in|beside|there|on|at|above|below|before|behind|after|where|one)",
        "is, is in, lies in, precedes",
    ),
    unless(
        &["for"],
        "(where|what) (it|they|each|things) (stand|stands|stood)",
        "its position, the layout",
    ),
    phrase("what stands", "name the thing"),
    phrase("so many", "n, or the count's name"),
    phrase(r"as many (\w+ )?as there", "one per, n"),
    phrase("however few", "even if there are few"),
    phrase("of (ours|yours|theirs|mine)", "our, your, their"),
    phrase("of (one's|your|our|my) own", "your own ..., custom"),
    unless(
        &["alone", "behind", "open", "out", "to"],
        "(what|that|which) (is|are|was|were) left",
        "remaining, the rest",
    ),
    unless(
        QUESTION,
        "(is|are|was|were|be) ((not|already|still|always) )?there",
        "exists, is allocated, is installed",
    ),
    phrase("what there (is|are|was|were)", "name the thing"),
    phrase("where there (is|are|was|were)", "if there is, without"),
    phrase("none where", "`None` if, empty if, without"),
    phrase("(hand|hands|handed|handing) back", "return"),
    phrase(
        "(picture|image|code)s? that pass (together|through)",
        "micro-batch",
    ),
    phrase(
        "(pass|passes|passing) through (a|the) model at a time",
        "micro-batch",
    ),
    phrase("what of (a|each|every|the)", "name the thing"),
    phrase(
        "multipl(y|ies) the kept",
        "inverted-dropout scale, 1 / (1 - p)",
    ),
    phrase(
        "gradients? by (its|that|what)",
        "gradient with respect to, dL/dx",
    ),
    phrase("(way|ways) back of", "backward pass"),
    phrase("'s way back", "backward pass"),
    phrase("on (its|their) way through", "forward pass, activations"),
    phrase("(matrix|matrices) turned", "transposed"),
    phrase(
        "turn(s|ed|ing)? (a|the|one) (matrix|of its sides)",
        "transpose",
    ),
    phrase("turn(s|ed)? round", "transposed convolution, reverse"),
    phrase(
        "(drawn|draws it|draws them) again from",
        "reconstruct, decode",
    ),
    phrase("stays? what (it|they) (is|are)", "passes through unchanged"),
    phrase("(show|shows) (itself|themselves)", "renders as"),
    phrase(
        "(run|runs|running) compiled",
        "uses the planned training step",
    ),
    phrase("of another time", "of an earlier run"),
];

/// Positions at which a name is forbidden.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// After `const` or `static`.
    Constant,
    /// After `struct`, `enum`, `union`, `trait` or `type`.
    Type,
    /// After `fn`.
    Function,
    /// Anywhere in code.
    Anywhere,
}

/// Names that code does not use.
pub(crate) struct Names {
    pub(crate) names: &'static [&'static str],
    pub(crate) position: Position,
    /// The start of the paths of the files that the rule is for; empty for all.
    pub(crate) below: &'static str,
    /// The replacement.
    pub(crate) say: &'static str,
}

const fn names(position: Position, names: &'static [&'static str], say: &'static str) -> Names {
    Names {
        names,
        position,
        below: "",
        say,
    }
}

use Position::{Anywhere, Constant, Function, Type};

pub(crate) const NAMES: &[Names] = &[
    names(
        Constant,
        &["LARGEST", "MOST", "LONGEST", "CHUNK"],
        "noun and unit: MAX_FILE_BYTES",
    ),
    names(Type, &["Here"], "OpShape"),
    names(Type, &["Given"], "ForwardArgs"),
    names(Type, &["Back"], "BackwardArgs"),
    names(Type, &["Room"], "Workspace"),
    names(Type, &["Own"], "LayerVars"),
    names(Type, &["Passed"], "ForwardState"),
    names(Type, &["Common"], "StepContext"),
    names(Type, &["Chain"], "Sequential"),
    names(Type, &["Pass"], "Shard"),
    names(Type, &["Compiled"], "TrainStep"),
    names(Type, &["Operation"], "LayerKind"),
    names(Type, &["Links"], "LowerContext"),
    names(Type, &["Stream"], "Purpose, PhotoStream: qualify it"),
    names(Type, &["Source"], "PhotoSource, IdxSet: qualify it"),
    names(
        Type,
        &["Window"],
        "ConvGeometry, Lookahead, PoolWindows: qualify it",
    ),
    names(Type, &["Part", "Place", "Shared", "State"], "qualify it"),
    names(Anywhere, &["staged"], "lower"),
    names(Anywhere, &["lose"], "loss_and_grad"),
    names(Anywhere, &["pulls"], "grad_sums"),
    names(Anywhere, &["lean"], "mean_dy_xhat"),
    names(Function, &["level"], "mean_dy"),
    names(Function, &["draws"], "rng"),
    Names {
        names: &["kernel", "kernels", "Kernel"],
        position: Anywhere,
        below: "src/",
        say: "CpuOp, kernel_size: a kernel is Jupyter's",
    },
];
