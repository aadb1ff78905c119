#include "qkv/translation/version.h"

namespace qkv {

const char* const version = QKV_VERSION;

}  // namespace qkv
