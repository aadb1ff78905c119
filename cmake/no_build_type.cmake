# Operations and layers are templates, compiled with whoever uses them: unoptimised they are some ten times slower.
message(WARNING "No build type is set, so nothing is optimised and qkv runs many times slower than it can. "
  "Configure with -DCMAKE_BUILD_TYPE=Release.")
