/* What GCC's static libstdc++ expects of glibc and musl does not have. Only for the musl systems that build and
   test the router programs: a router has a libstdc++ of its own. */

void *__dso_handle __attribute__((visibility("hidden"))) = &__dso_handle;

/* no faster way to find a frame: libgcc falls back to dl_iterate_phdr */
int _dl_find_object(void *address, void *result)
{
	(void)address;
	(void)result;
	return -1;
}

char __libc_single_threaded;

unsigned long getauxval(unsigned long type);

unsigned long __getauxval(unsigned long type)
{
	return getauxval(type);
}

/* std::random_device, which neither Bun nor mailctl uses */
unsigned arc4random(void)
{
	__builtin_trap();
}
