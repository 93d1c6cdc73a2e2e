//! The exceptions of both crates: files with `unsafe`, and files that another test covers.

use crate::documented::Covered;
use crate::words::Places;

pub const HELPER: Places = Places {
    unsafe_files: &[
        "cell.rs",
        "math/matmul.rs",
        "dist/abi.rs",
        "dist/functions.rs",
        "optim/nccl.rs",
        "train/team/rank.rs",
    ],
    wire: &["show/display"],
    print: Some("show"),
    slices_only: &["math", "dist"],
    model: Some(("model", "Autoencoder")),
};

pub const KERNEL: Places = Places {
    unsafe_files: &[
        "build/cargo/install.rs",
        "build/gpu.rs",
        "engine/child.rs",
        "engine/control.rs",
        "engine/evaluator.rs",
        "engine/warm_up.rs",
        "jupyter/server.rs",
        "main.rs",
        "notebook/run.rs",
        "notebook/team.rs",
        "rank.rs",
        "sleep.rs",
        "standard_streams.rs",
        "toolchain/mod.rs",
        "working_folder.rs",
    ],
    wire: &["engine/protocol"],
    print: None,
    slices_only: &[],
    model: None,
};

// COVERED_BY of each crate: short, since a file's own test is the rule.
pub const HELPER_COVERED_BY: &[Covered] = &[
    Covered {
        by: "tests/kernel/test_team.py",
        files: &[
            "dist/functions.rs",
            "dist/mpi.rs",
            // It needs GPUs.
            "optim/nccl.rs",
            "train/team/client.rs",
            "train/team/clocks.rs",
            "train/team/job.rs",
            "train/team/watch.rs",
        ],
    },
    Covered {
        by: "tests/runs/list.rs",
        files: &["run_log/reader.rs", "train/recorder.rs"],
    },
    Covered {
        by: "tests/runs/sweep.rs",
        files: &["runs/trial_job.rs"],
    },
    Covered {
        by: "tests/runs/sweep_results.rs",
        files: &["runs/notebook_run.rs"],
    },
    Covered {
        by: "tests/train/code_layers.rs",
        files: &["model/terms.rs"],
    },
    Covered {
        by: "tests/train/discrete_codes.rs",
        files: &["layer/gumbel_builder.rs", "layer/gumbel.rs"],
    },
    Covered {
        by: "tests/train/event.rs",
        files: &["train/run_event.rs"],
    },
    Covered {
        by: "tests/train/trainer.rs",
        files: &["train/trainer_batch.rs"],
    },
    Covered {
        by: "tests/train/run.rs",
        files: &["train/run_epoch.rs"],
    },
    Covered {
        by: "tests/train/augmentation.rs",
        files: &["data/augmentation.rs"],
    },
    Covered {
        by: "tests/layer/builder.rs",
        files: &["layer/pool_builder.rs"],
    },
    Covered {
        by: "tests/train/train_step.rs",
        files: &[
            "plan/dense_gradients.rs",
            "plan/shard.rs",
            "plan/whole_batch.rs",
            "train/train_step/executor.rs",
            "train/train_step/mod.rs",
            "train/train_step/update.rs",
            "train/whole_batch.rs",
        ],
    },
    Covered {
        by: "tests/data/image_folder.rs",
        files: &["data/photo/packed.rs", "data/photo/stream.rs"],
    },
    Covered {
        by: "tests/show/image.rs",
        files: &["file/jpeg/mod.rs", "file/jpeg/slice.rs"],
    },
    Covered {
        by: "tests/data/split.rs",
        files: &["data/samples.rs"],
    },
    Covered {
        by: "tests/data/mnist.rs",
        files: &["data/idx_set.rs"],
    },
    Covered {
        by: "tests/data/csv.rs",
        files: &["file/csv.rs"],
    },
    Covered {
        by: "tests/evaluate/linear_probe.rs",
        files: &["evaluate/labels.rs"],
    },
    Covered {
        by: "tests/evaluate/psnr.rs",
        files: &["evaluate/pairs.rs"],
    },
    Covered {
        by: "tests/data/lmdb_damage.rs",
        files: &[
            "file/lmdb/bytes.rs",
            "file/lmdb/damage.rs",
            "file/lmdb/meta.rs",
            "file/lmdb/page.rs",
        ],
    },
    Covered {
        by: "tests/data/lmdb_structure.rs",
        files: &[
            "file/lmdb/blocks.rs",
            "file/lmdb/cursor.rs",
            "file/lmdb/mod.rs",
        ],
    },
    Covered {
        by: "tests/data/lmdb_folder.rs",
        files: &["data/photo/lmdb.rs"],
    },
    Covered {
        by: "tests/kernel/test_kernel.py",
        files: &["show/frontend.rs", "show/input.rs"],
    },
    Covered {
        by: "tests/layer/conv.rs",
        files: &[
            "layer/cpu.rs",
            "layer/conv_transpose.rs",
            "layer/kind.rs",
            "layer/unsupported.rs",
            "math/convolution/correlation.rs",
            "math/convolution/forward.rs",
            "math/convolution/geometry.rs",
            "math/convolution/gradient.rs",
            "math/convolution/pack.rs",
        ],
    },
    Covered {
        by: "tests/layer/pytorch.rs",
        files: &["layer/avg_pool.rs", "layer/upsample.rs"],
    },
    Covered {
        by: "tests/train/train_step.rs",
        files: &["layer/residual.rs", "plan/identity.rs", "plan/stage.rs"],
    },
];

pub const KERNEL_COVERED_BY: &[Covered] = &[
    Covered {
        by: "tests/kernel/test_team.py",
        files: &["rank.rs"],
    },
    Covered {
        by: "tests/kernel/test_dep.py",
        files: &["build/cargo/added/calls.rs", "build/cargo/added/mod.rs"],
    },
    Covered {
        by: "tests/kernel/test_folder.py",
        files: &["working_folder.rs"],
    },
    Covered {
        by: "tests/kernel/test_kept.py",
        files: &[
            "build/cargo/cell.rs",
            "build/source/generated.rs",
            "build/source/parts.rs",
            "build/source/plan.rs",
            "engine/execution.rs",
        ],
    },
    Covered {
        by: "tests/kernel/test_items.py",
        files: &["engine/explanation.rs", "engine/items/impls.rs"],
    },
    Covered {
        by: "tests/kernel/test_kernel.py",
        files: &[
            "build/cargo/dispatch.rs",
            "build/cargo/install.rs",
            "build/cargo/recorder.rs",
            "build/compile.rs",
            "build/session.rs",
            "engine/child.rs",
            "engine/control.rs",
            "engine/evaluator.rs",
            "engine/outcome.rs",
            "engine/pipes.rs",
            "engine/relay/mod.rs",
            "engine/relay/trusted.rs",
            "engine/warm_up.rs",
            "jupyter/lookup.rs",
            "jupyter/state.rs",
            "jupyter/stdin.rs",
            "jupyter/worker/mod.rs",
            "jupyter/worker/warm_up.rs",
            "main.rs",
            "notebook/run.rs",
        ],
    },
    Covered {
        by: "tests/kernel/test_lab.py",
        files: &["jupyter/lab.rs", "jupyter/spec.rs"],
    },
    Covered {
        by: "tests/kernel/test_stock.py",
        files: &["jupyter/stock.rs"],
    },
    Covered {
        by: "tests/kernel/test_sweep.py",
        files: &["notebook/end.rs", "sweep/mod.rs"],
    },
    Covered {
        by: "tests/kernel/test_wire.py",
        files: &[
            "jupyter/message.rs",
            "jupyter/server.rs",
            "jupyter/sockets.rs",
        ],
    },
];
