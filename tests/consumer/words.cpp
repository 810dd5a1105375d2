// What rewind.hpp declares and the library defines: an installed one, shared or static, has to have it.
#include <rewind/rewind.hpp>

std::string words_of(const rw::Error& e) { return std::string(rw::name_of(e.status)) + ", " + rw::name_of(rw::type_named("f32")); }
