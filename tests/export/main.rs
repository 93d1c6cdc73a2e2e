//! Model files.

mod safetensors;
