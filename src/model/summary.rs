//! The table of layers as which a model renders itself.

use crate::device;
use crate::error::Result;
use crate::layer::{Layer, Node, shape};
use crate::model::autoencoder::Autoencoder;
use crate::model::sequential::Sequential;
use crate::show::{Content, Show, Table, evcxr_display, thousands};

impl Show for Autoencoder {
    fn contents(&self) -> Result<Vec<Content>> {
        let (c, h, w) = self.image_shape();
        let mut table = Table::new(["name", "layer", "output", "parameters"]);
        table = table.row(["input", "", &shape(&[c, h, w])]);
        for (list, name) in [
            (self.encoder_net(), "encoder"),
            (self.decoder_net(), "decoder"),
        ] {
            for i in 0..list.nodes().len() {
                table = table.row(row(list, name, i));
            }
        }
        let device = device::name(self.device());
        let executor = if self.device().is_cpu() {
            "planned CPU ops"
        } else {
            "candle"
        };
        table
            .row(["total", "", "", &thousands(self.count_params())])
            .row(["device", &format!("{device}, {executor}")])
            .contents()
    }
}
evcxr_display!(Autoencoder);

/// Row of one node: name, layer, output shape, parameters.
fn row(list: &Sequential, name: &str, i: usize) -> [String; 4] {
    let node = &list.nodes()[i];
    let parameters = match list.count_params(i) {
        0 => String::new(),
        n => thousands(n),
    };
    [
        format!("{name}.{}", node.name),
        layer_name(node),
        shape(&list.shapes()[i + 1]),
        parameters,
    ]
}

/// The layer as written in code. The layers of a residual block have rows of their own.
fn layer_name(node: &Node) -> String {
    match &node.layer {
        Layer::Residual(_) => "Residual: + its input".into(),
        layer => layer.to_string(),
    }
}
