"""Candle as its own README, guide and examples write it: each line in a cell of its own."""
import pytest

README = """
use candle_core::{Device, Tensor};
let device = Device::Cpu;
let a = Tensor::randn(0f32, 1., (2, 3), &device)?;
let b = Tensor::randn(0f32, 1., (3, 4), &device)?;
let c = a.matmul(&b)?;
println!("{c}");
Tensor::new(&[[1f32, 2.], [3., 4.]], &Device::Cpu)?
let tensor = Tensor::zeros((2, 2), DType::F32, &Device::Cpu)?;
tensor.i((.., ..1))?
tensor.reshape((4, 1))?
&a + &a
tensor.to_device(&Device::cuda_if_available(0)?)?
tensor.to_dtype(DType::F16)?
use std::collections::HashMap;
candle::safetensors::save(&HashMap::from([("A", a.clone())]), "readme.safetensors")?
let weights = candle::safetensors::load("readme.safetensors", &device)?;
"""

BASICS = """
use anyhow::Result;
let a = Tensor::new(&[[0.0f32, 1.0, 2.0], [3.0, 4.0, 5.0]], &Device::Cpu)?;
let b = Tensor::new(&[[70.0f32], [80.0]], &Device::Cpu)?;
let joined = a.slice_scatter(&b, 1, 2)?;
assert_eq!(joined.to_vec2::<f32>()?, [[0.0, 1.0, 70.0], [3.0, 4.0, 80.0]]);
fn largest(t: &Tensor) -> Result<f32> { Ok(t.max_all()?.to_scalar()?) }
largest(&joined)?
"""

# A network by hand, one with a layer by hand, and one with candle_nn's layer of the same name.
NETWORKS = [
    """
use candle_core::{Device, Result, Tensor};
struct Net { first: Tensor, second: Tensor }
impl Net { fn forward(&self, xs: &Tensor) -> Result<Tensor> { xs.matmul(&self.first)?.relu()?.matmul(&self.second) } }
let device = Device::Cpu;
let first = Tensor::randn(0f32, 1.0, (784, 50), &device)?;
let second = Tensor::randn(0f32, 1.0, (50, 10), &device)?;
let net = Net { first, second };
""",
    """
struct Linear { weight: Tensor, bias: Tensor }
impl Linear { fn forward(&self, x: &Tensor) -> Result<Tensor> { x.matmul(&self.weight)?.broadcast_add(&self.bias) } }
struct Net { first: Linear, second: Linear }
impl Net { fn forward(&self, xs: &Tensor) -> Result<Tensor> { self.second.forward(&self.first.forward(xs)?.relu()?) } }
let device = Device::cuda_if_available(0)?;
let weight = Tensor::randn(0f32, 1.0, (784, 50), &device)?;
let bias = Tensor::randn(0f32, 1.0, (50, ), &device)?;
let first = Linear { weight, bias };
let weight = Tensor::randn(0f32, 1.0, (50, 10), &device)?;
let bias = Tensor::randn(0f32, 1.0, (10, ), &device)?;
let second = Linear { weight, bias };
let net = Net { first, second };
""",
    """
use candle_nn::{Linear, Module};
struct Net { first: Linear, second: Linear }
impl Net { fn forward(&self, xs: &Tensor) -> Result<Tensor> { self.second.forward(&self.first.forward(xs)?.relu()?) } }
let weight = Tensor::randn(0f32, 1.0, (50, 784), &device)?;
let bias = Tensor::randn(0f32, 1.0, (50, ), &device)?;
let first = Linear::new(weight, Some(bias));
let weight = Tensor::randn(0f32, 1.0, (10, 50), &device)?;
let bias = Tensor::randn(0f32, 1.0, (10, ), &device)?;
let second = Linear::new(weight, Some(bias));
let net = Net { first, second };
""",
]

# The chapter loads MNIST by `candle_datasets`; here it is the helper's.
TRAINING = """
use candle_core::{DType, Device, Result, Tensor, D};
use candle_nn::{loss, ops, Linear, Module, Optimizer, VarBuilder, VarMap};
fn init(lo: f64) -> candle_nn::Init { candle_nn::Init::Uniform { lo, up: -lo } }
fn dense(vs: VarBuilder, n: usize, out: usize) -> Result<Linear> { let w = vs.get_with_hints((out, n), "weight", candle_nn::init::DEFAULT_KAIMING_NORMAL)?; Ok(Linear::new(w, Some(vs.get_with_hints(out, "bias", init(-1. / (n as f64).sqrt()))?))) }
impl Net { fn new(vs: VarBuilder) -> Result<Self> { Ok(Self { first: dense(vs.pp("first"), 784, 50)?, second: dense(vs.pp("second"), 50, 10)? }) } }
let digits = mnist_embedded()?.take(500, 200);
let dev = Device::cuda_if_available(0)?;
let train_images = digits.train.first(500)?.flatten_from(1)?.to_device(&dev)?;
let labels = digits.train.labels().unwrap_or_default();
let train_labels = Tensor::new(labels, &dev)?.to_dtype(DType::U32)?.to_device(&dev)?;
let varmap = VarMap::new();
let vs = VarBuilder::from_varmap(&varmap, DType::F32, &dev);
let model = Net::new(vs.clone())?;
let learning_rate = 0.05;
let epochs = 10;
let mut sgd = candle_nn::SGD::new(varmap.all_vars(), learning_rate)?;
let test_images = digits.test.first(200)?.flatten_from(1)?.to_device(&dev)?;
let test_labels = Tensor::new(digits.test.labels().unwrap_or_default(), &dev)?.to_dtype(DType::U32)?.to_device(&dev)?;
"""

STEP = """
let logits = model.forward(&train_images)?;
let log_sm = ops::log_softmax(&logits, D::Minus1)?;
let loss = loss::nll(&log_sm, &train_labels)?;
sgd.backward_step(&loss)?;
let test_logits = model.forward(&test_images)?;
let sum_ok = test_logits.argmax(D::Minus1)?.eq(&test_labels)?.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?;
let test_accuracy = sum_ok / test_labels.dims1()? as f32;
"""

SAVING = """
varmap.save("chapter.safetensors")?;
let mut varmap = VarMap::new();
let vs = VarBuilder::from_varmap(&varmap, DType::F32, &dev);
let model = Net::new(vs.clone())?;
varmap.load("chapter.safetensors")?;
let again = loss::nll(&ops::log_softmax(&model.forward(&train_images)?, D::Minus1)?, &train_labels)?;
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    from conftest import Kernel

    kernel = Kernel(cwd=str(tmp_path_factory.mktemp("candle")))
    yield kernel
    kernel.stop()


def run(kernel, lines):
    """Runs each line in a cell of its own; returns the cells."""
    return [kernel.ok(line) for line in lines.strip().splitlines()]


def test_the_readme_runs(kernel):
    cells = run(kernel, README)
    assert "Tensor[[2, 4], f32]" in cells[5].stream()
    assert kernel.ok('weights["A"].dims().to_vec()').text == "[2, 3]"


def test_the_basics_example_runs(kernel):
    assert run(kernel, BASICS)[-1].text == "80.0"


def test_the_chapter_on_mnist_runs(kernel):
    for network in NETWORKS:
        run(kernel, network)
        run(kernel, "let image = Tensor::randn(0f32, 1.0, (1, 784), &device)?;\nlet digit = net.forward(&image)?;")
        assert kernel.ok('println!("Digit {digit:?} digit");').stream() == "Digit Tensor[dims 1, 10; f32] digit\n"
    run(kernel, TRAINING)
    run(kernel, STEP)
    before = float(kernel.ok("loss.to_scalar::<f32>()?").text)
    kernel.ok("for _ in 1..epochs {\n" + STEP + "}")
    run(kernel, STEP)
    after = float(kernel.ok("loss.to_scalar::<f32>()?").text)
    assert after < 0.9 * before
    run(kernel, SAVING)
    # One step was made after the loss was computed.
    assert float(kernel.ok("again.to_scalar::<f32>()?").text) < after


COUNT = "Autoencoder::symmetric((1, 28, 28), &[Flatten, {}])?.count_params()"


def test_candles_layers_stand_beside_the_preludes(kernel):
    kernel.ok("use candle_nn::{Dropout, Linear, Module};")
    kernel.ok("let dense = Linear::new(Tensor::ones((2, 4), DType::F32, &Device::Cpu)?, None);")
    assert kernel.ok("dense.forward(&Tensor::eye(4, DType::F32, &Device::Cpu)?)?.sum_all()?.to_scalar::<f32>()?").text == "8.0"
    count = str(784 * 8 + 8 + 8 * 784 + 784)
    assert kernel.ok(COUNT.format("Linear(8), Dropout(0.5)")).text == count
    assert kernel.ok(COUNT.format("Layer::Linear(8)")).text == count


def test_idle_threads_of_candle_sleep_soon(kernel):
    kernel.ok('let spins = std::env::var("CANDLE_BARRIER_POOL_SPIN_LIMIT")?;')
    assert kernel.ok("spins.parse::<u32>()?").text == "100"


def test_a_name_of_candle_that_hides_a_layer_is_explained(kernel):
    kernel.ok("use candle_nn::Activation::{Elu, Relu};")
    assert "`Layer::Relu`" in kernel.run(COUNT.format("Linear(8), Relu")).said
    assert kernel.ok(COUNT.format("Linear(8), Layer::Relu")).reply["status"] == "ok"
    kernel.ok("use candlebook::prelude::Relu;")
    assert kernel.ok(COUNT.format("Linear(8), Relu")).reply["status"] == "ok"
