/** Version of this software, told to peers and to people. A test keeps it equal to package.json. */
export const VERSION = '0.1.0'
