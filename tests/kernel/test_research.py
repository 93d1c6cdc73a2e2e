"""An hour of a researcher: an own model on candle, edits, slips, Stop, a late crate, a panic and a restart.

At the end, every variable exists that a Python notebook would have.
"""
import threading

VAE = """
struct Vae { hidden: candle_nn::Linear, mean: candle_nn::Linear, log_variance: candle_nn::Linear, decoder: candle_nn::Linear }
"""
VAE_NEW = """
impl Vae {
    fn new(vb: candle_nn::VarBuilder, pixels: usize, code: usize) -> candle_core::Result<Self> {
        Ok(Vae {
            hidden: candle_nn::linear(pixels, 32, vb.pp("hidden"))?,
            mean: candle_nn::linear(32, code, vb.pp("mean"))?,
            log_variance: candle_nn::linear(32, code, vb.pp("log_variance"))?,
            decoder: candle_nn::linear(code, pixels, vb.pp("decoder"))?,
        })
    }
}
"""
# Three forms of one cell: the last one is right.
LOSS = """
impl Vae {{
    fn loss(&self, x: &Tensor) -> candle_core::Result<Tensor> {{
        let hidden = self.hidden.forward(x)?.relu()?;
        let (mean, log_variance) = (self.mean.forward(&hidden)?, self.log_variance.forward(&hidden)?);
        let noise = Tensor::randn(0f32, 1.0, mean.dims(), &Device::Cpu)?;
        let deviation = (&log_variance * 0.5)?.exp()?;
        let code = (&mean + (deviation * noise)?)?;
        let output = candle_nn::ops::sigmoid(&self.decoder.forward(&code)?)?;
        let error = (output - x)?.sqr()?.sum(1)?.mean(0)?;
        let divergence = (((mean.sqr()? + log_variance.exp()?)? - log_variance)? - 1.0)?.sum(1)?.mean(0)?;
        error + (divergence * {weight})?
    }}
}}
"""
LOOP = """
let mut losses: Vec<f32> = Vec::new();
let mut rounds = 0;
loop {{
    for batch in images.chunk(4, 0)? {{
        let loss = vae.loss(&batch)?;
        adam.backward_step(&loss)?;
        losses.push(loss.to_scalar::<f32>()?);
    }}
    rounds += 1;
    if rounds == {pause} {{ println!("at round {pause}"); }}
}}
"""


def stopped(kernel, code, word):
    def press(message):
        if message["msg_type"] == "stream" and word in message["content"]["text"]:
            threading.Timer(0.1, kernel.manager.interrupt_kernel).start()

    return kernel.run(code, on_message=press)


def model(kernel):
    """The cells that a restart runs again."""
    kernel.ok("use candle_nn::{Module, Optimizer};\nlet images = mnist_embedded()?.train.first(64)?.flatten_from(1)?;")
    kernel.ok(VAE, cell_id="struct")
    kernel.ok(VAE_NEW, cell_id="new")
    kernel.ok(LOSS.format(weight="0.0"), cell_id="loss")
    kernel.ok(
        "let varmap = candle_nn::VarMap::new();\n"
        "let vb = candle_nn::VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);\n"
        "let vae = Vae::new(vb.clone(), 784, 6)?;\n"
        "let mut adam = candle_nn::AdamW::new_lr(varmap.all_vars(), 0.003)?;"
    )


def test_a_researchers_hour(fresh, tmp_path):
    kernel = fresh()
    model(kernel)
    first = float(kernel.ok("vae.loss(&images)?.to_scalar::<f32>()?").text)

    # The loss is edited twice more; model, variables and optimizer stay.
    kernel.ok(LOSS.format(weight="0.7"), cell_id="loss")
    kernel.ok(LOSS.format(weight="0.5"), cell_id="loss")
    assert float(kernel.ok("vae.loss(&images)?.to_scalar::<f32>()?").text) >= first * 0.5

    # A long cell with a slip in its last line keeps what it made before.
    slip = kernel.run(
        "let mut warm_up = Vec::new();\n"
        "for _ in 0..3 { let loss = vae.loss(&images)?; adam.backward_step(&loss)?; warm_up.push(loss.to_scalar::<f32>()?); }\n"
        "let best = warm_up.iter().cloned().fold(f32::MAX, f32::min);\n"
        'let patience: usize = "five".parse()?;'
    )
    assert slip.reply["evalue"] == "invalid digit found in string"
    assert any("cell" in line and "line 4" in line for line in slip.reply["traceback"]), slip.reply
    assert any("`best`" in line for line in slip.reply["traceback"]), slip.reply
    assert kernel.ok("(warm_up.len(), best <= warm_up[0])").text == "(3, true)"

    # Stop in a custom loop keeps the losses so far, and the trained weights.
    interrupted = stopped(kernel, LOOP.format(pause=5), "at round 5")
    assert interrupted.reply["ename"] == "Interrupted", interrupted.reply
    assert kernel.ok("losses.len() >= 20 && rounds >= 5").text == "true"
    assert kernel.ok("losses[losses.len() - 4..].iter().sum::<f32>() < losses[..4].iter().sum::<f32>()").text == "true"

    # A crate that is added late.
    crate = tmp_path / "smooth"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "smooth"\nversion = "0.1.0"\nedition = "2021"\n')
    (crate / "src/lib.rs").write_text("pub fn mean(x: &[f32]) -> f32 { x.iter().sum::<f32>() / x.len() as f32 }\n")
    kernel.ok(f':dep smooth = {{ path = "{crate}" }}\nlet smoothed = smooth::mean(&losses[..4]);', timeout=300)

    # A panic half-way through a cell.
    panic = kernel.run("let codes = vae.mean.forward(&vae.hidden.forward(&images)?.relu()?)?;\nlet far = losses[10_000_000];")
    assert panic.reply["ename"] == "Panic"
    assert any("line 2" in line for line in panic.reply["traceback"]), panic.reply

    # All that a Python notebook would have exists.
    assert kernel.ok("codes.dims().to_vec()").text == "[64, 6]"
    assert kernel.ok("(warm_up.len(), best.is_finite(), smoothed.is_finite(), rounds >= 5)").text == "(3, true, true, true)"
    names = kernel.ok("let mut names: Vec<String> = varmap.data().lock().unwrap().keys().cloned().collect(); names.sort(); names.len()")
    assert names.text == "8"
    assert kernel.ok("vae.loss(&images)?.to_scalar::<f32>()?.is_finite()").text == "true"

    # After a restart, the cells run from the top again.
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=120)
    model(kernel)
    assert float(kernel.ok("vae.loss(&images)?.to_scalar::<f32>()?").text) > 0
