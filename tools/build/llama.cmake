# Read while llama-cpp-python is compiled (see requirements.txt). Its own CMakeLists.txt switches
# llama.cpp's "common" library on with a forced cache entry; a normal variable hides that one.
# Neither the binding nor specdec uses the library, and it is a third of the compilation.
set(LLAMA_BUILD_COMMON OFF)
