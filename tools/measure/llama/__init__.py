"""llama.cpp's own speculative decoding beside ours."""
