//! The exceptions of both crates: files with `unsafe`, and files that another test covers.

use crate::documented::Covered;
use crate::words::Places;

pub const HELPER: Places = Places {
    unsafe_files: &["cell.rs", "data/photo/lmdb.rs", "math/matmul.rs"],
    wire: &["show/display"],
    print: Some("show"),
    slices_only: &["math", "dist"],
    model: Some(("model", "Autoencoder")),
};

pub const KERNEL: Places = Places {
    unsafe_files: &[
        "build/front.rs",
        "build/gpu.rs",
        "engine/child.rs",
        "engine/engine.rs",
        "engine/relay.rs",
        "engine/warm_up.rs",
        "home.rs",
        "jupyter/server.rs",
        "main.rs",
        "notebook/run.rs",
    ],
    wire: &["engine/relay"],
    print: None,
    slices_only: &[],
    model: None,
};

// COVERED_BY of each crate: short, since a file's own test is the rule.
pub const HELPER_COVERED_BY: &[Covered] = &[
    Covered {
        by: "tests/data/image_folder.rs",
        files: &["data/photo/packed.rs", "data/photo/stream.rs"],
    },
    Covered {
        by: "tests/data/lmdb_folder.rs",
        files: &["data/photo/lmdb.rs"],
    },
    Covered {
        by: "tests/data/mnist.rs",
        files: &["data/download.rs"],
    },
    Covered {
        by: "tests/export/safetensors.rs",
        files: &["error.rs", "file/atomic.rs"],
    },
    Covered {
        by: "tests/kernel/test_kernel.py",
        files: &["cell.rs", "show/display.rs", "show/input.rs"],
    },
    Covered {
        by: "tests/kernel/test_lab.py",
        files: &["train/view.rs"],
    },
    Covered {
        by: "tests/layer/conv.rs",
        files: &[
            "layer/average.rs",
            "layer/cpu.rs",
            "layer/kinds.rs",
            "layer/misfit.rs",
            "layer/norm.rs",
            "layer/operation.rs",
            "layer/reshape.rs",
            "layer/window.rs",
        ],
    },
    Covered {
        by: "tests/look/look.rs",
        files: &["look/pca.rs"],
    },
    Covered {
        by: "tests/show/image.rs",
        files: &["file/image.rs"],
    },
    Covered {
        by: "tests/show/montage.rs",
        files: &["show/preview.rs"],
    },
    Covered {
        by: "tests/show/plot.rs",
        files: &[
            "show/canvas.rs",
            "show/chart/axis.rs",
            "show/chart/draw.rs",
            "show/chart/figure.rs",
            "show/chart/legend.rs",
            "show/color.rs",
            "show/numbers.rs",
        ],
    },
    Covered {
        by: "tests/train/run.rs",
        files: &["train/fit.rs", "train/history.rs"],
    },
    Covered {
        by: "tests/train/train_step.rs",
        files: &[
            "layer/dropout.rs",
            "layer/linear.rs",
            "layer/residual.rs",
            "math/moments.rs",
            "math/reduce.rs",
            "plan/plan.rs",
            "plan/shard.rs",
            "plan/stage.rs",
        ],
    },
];

pub const KERNEL_COVERED_BY: &[Covered] = &[
    Covered {
        by: "tests/kernel/test_install.py",
        files: &["build/nvcc.rs", "doctor.rs", "home.rs"],
    },
    Covered {
        by: "tests/kernel/test_kernel.py",
        files: &[
            "build/link.rs",
            "build/seed.rs",
            "build/session.rs",
            "engine/child.rs",
            "engine/warm_up.rs",
            "jupyter/worker.rs",
            "main.rs",
            "notebook/run.rs",
        ],
    },
    Covered {
        by: "tests/kernel/test_lab.py",
        files: &["jupyter/spec.rs"],
    },
    Covered {
        by: "tests/kernel/test_stock.py",
        files: &["jupyter/stock.rs"],
    },
    Covered {
        by: "tests/kernel/test_wire.py",
        files: &["jupyter/message.rs", "jupyter/server.rs"],
    },
];
