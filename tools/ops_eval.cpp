#include "tools/verbs.h"
namespace rw::tools { void add_ops_eval(CLI::App&, int&) {} }
