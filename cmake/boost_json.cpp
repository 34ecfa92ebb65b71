// Boost.JSON in one translation unit of ours; see parts.cmake.
#include <boost/json/src.hpp>
