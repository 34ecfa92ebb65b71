// Boost.URL in one translation unit of ours; see parts.cmake.
#include <boost/url/src.hpp>
