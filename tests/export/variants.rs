//! Every architecture is rebuilt from its file, without code.

use candlebook::model::*;
use candlebook::prelude::*;

/// Saves and loads a model, and compares its lists, variables and reconstructions.
fn rebuilds(name: &str, ae: Autoencoder) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    ae.save(&path).unwrap();
    let again = Autoencoder::load(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let lists = |ae: &Autoencoder| [ae.encoder(), ae.decoder()].map(<[Layer]>::to_vec);
    assert_eq!(lists(&again), lists(&ae), "{name}");
    let tensors = |ae: &Autoencoder| -> Vec<(String, Vec<f32>)> {
        let all = [ae.variables(), ae.buffers()].concat().into_iter();
        all.map(|(name, var)| (name, var.flatten_all().unwrap().to_vec1().unwrap()))
            .collect()
    };
    assert!(tensors(&again) == tensors(&ae), "{name}");
    let images = mnist_embedded().unwrap().test.first(3).unwrap();
    let outputs = |ae: &Autoencoder| -> Vec<f32> {
        let labels = [3, 1, 4];
        let output = match is_conditional(ae) {
            true => ae.reconstruct_labeled(&images, &labels),
            false => ae.reconstruct(&images),
        };
        output.unwrap().flatten_all().unwrap().to_vec1().unwrap()
    };
    assert!(outputs(&again) == outputs(&ae), "{name}");
}

fn is_conditional(ae: &Autoencoder) -> bool {
    let mut layers = ae.encoder().iter().chain(ae.decoder());
    layers.any(|layer| matches!(layer, Condition(_)))
}

#[test]
fn models_of_papers_load_from_their_files() {
    let variational = VariationalAutoencoder::default();
    let conditional = VariationalAutoencoder {
        classes: Some(10),
        total_correlation: 5.0,
        ..Default::default()
    };
    let models = [
        ("variational", variational.build()),
        ("conditional", conditional.build()),
        ("adversarial", AdversarialAutoencoder::default().build()),
        (
            "vector-quantized",
            VectorQuantizedAutoencoder::default().build(),
        ),
        ("denoising", DenoisingAutoencoder::default().build()),
        ("sparse", SparseAutoencoder::default().build()),
        ("sparse with TopK", sparse(Sparsity::TopK(8)).build()),
        (
            "sparse with BatchTopK",
            sparse(Sparsity::BatchTopK(8)).build(),
        ),
        ("masked", MaskedAutoencoder::default().build()),
        ("sequence", SequenceAutoencoder::default().build()),
        ("upsampling", UpsamplingAutoencoder::default().build()),
        (
            "strided",
            mnist_sized(StridedAutoencoder::default()).build(),
        ),
    ];
    for (name, model) in models {
        rebuilds(name, model.unwrap());
    }
}

fn sparse(sparsity: Sparsity) -> SparseAutoencoder {
    SparseAutoencoder {
        sparsity,
        ..Default::default()
    }
}

fn mnist_sized(strided: StridedAutoencoder) -> StridedAutoencoder {
    StridedAutoencoder {
        input: mnist_embedded().unwrap().image_shape(),
        halvings: 2,
        ..strided
    }
}

#[test]
fn lists_with_every_setting_load_from_their_files() {
    let codes = [
        Gaussian(2.0).free_bits(0.1).warm_up(7).softplus_deviation(),
        Gaussian(2.0).warm_up(7).sampled_divergence(),
        Gumbel(4, 2).beta(0.5).temperature(2.0).anneal(0.1, 0.5),
        Gumbel(2, 4).straight_through(),
        VectorQuantize(6).commitment(0.5),
        VectorQuantize(6).learned_codebook(),
        Fsq(vec![3; 8]),
        TopK(3),
        BatchTopK(3),
        WinnerTakeAll(0.5),
        L1(0.1),
        L2(0.1),
        KlSparsity(0.1, 0.2),
        Mmd(3.0),
        Adversarial(vec![Linear(5), Relu, Linear(1)], 0.1),
        Condition(10),
    ];
    for code in codes {
        let name = code.to_string();
        let encoder = [MaskingNoise(0.1), Flatten, Linear(8), code];
        rebuilds(
            &name,
            Autoencoder::symmetric((1, 28, 28), &encoder).unwrap(),
        );
    }
    let contractive = [Flatten, Linear(8), Sigmoid, Contractive(0.1)];
    let decoder = [Linear(784).tied(1), Unflatten(1, 28, 28)];
    let tied = Autoencoder::new((1, 28, 28), &contractive, &decoder);
    rebuilds("tied", tied.unwrap());
    let encoder = [Conv2d(4, 3).padding(1), Relu, Save("fine"), MaxPool2d(2)];
    let decoder = [Upsample(2), Concat("fine", 4), Conv2d(1, 3).padding(1)];
    let skip = Autoencoder::new((1, 28, 28), &encoder, &decoder);
    rebuilds("long skip", skip.unwrap());
}
