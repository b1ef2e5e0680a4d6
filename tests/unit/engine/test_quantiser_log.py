"""What the quantiser's lines tell. They are as llama.cpp writes them, from a real run."""

from __future__ import annotations

from app.engine.quantiser_log import QuantiserLog

DRY_RUN = """\
[   1/ 272] output_norm.weight                   - [   576,      1,      1,      1], type =    f32,
size =    0.002 MiB
[   2/ 272] token_embd.weight                    - [   576,  49152,      1,      1], type =    f16,
size =    54.00 MiB ->    28.69 MiB (q8_0)
llama_model_quantize_impl: model size  =    54.00 MiB (16.00 BPW)
llama_model_quantize_impl: quant size  =    28.69 MiB (8.50 BPW)
"""
REAL = """\
[ 271/ 272] blk.29.ffn_norm.weight               - [   576,      1,      1,      1], type =    f32,
size =    1.000 MiB
[ 272/ 272] blk.29.ffn_up.weight                 - [   576,   1536,      1,      1], type =   q4_1,
converting to q8_0 ..
size =     0.50 MiB ->     0.90 MiB
"""
MIB = 1 << 20


def heard(text: str) -> tuple[QuantiserLog, list[int]]:
    told: list[int] = []
    log = QuantiserLog(told.append)
    for line in text.splitlines():
        log.hear(line)
    return log, told


def test_a_dry_run_tells_both_sizes():
    log, _ = heard(DRY_RUN)
    assert (log.source_bytes, log.result_bytes) == (54 * MIB, round(28.69 * MIB))
    assert not log.converts_quantised


def test_each_tensor_that_is_done_is_counted():
    _, told = heard(REAL)
    assert told == [MIB, MIB * 3 // 2]


def test_a_tensor_that_was_quantised_before_is_noticed_when_it_is_converted():
    assert heard(REAL)[0].converts_quantised
    kept = REAL.replace("size =     0.50 MiB ->     0.90 MiB", "size =    0.500 MiB")
    assert not heard(kept)[0].converts_quantised


def test_the_last_lines_are_kept_for_the_reason():
    log, _ = heard("\n".join(f"line {number}" for number in range(1000)))
    assert log.last_lines[-1] == "line 999"
    assert len(log.last_lines) == 30
